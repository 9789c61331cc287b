/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// All of this is on the first page anyway. As one file it compresses better than as thirty small ones.
const COMMON = new RegExp(
  [
    'src/lib/(announce|backoff|cn|connection|event-stream|format|http|problem|query-client|random-id|sse|theme|throttle|use-language|use-now)\\.ts$',
    'src/components/states/(notices|page|problem-message)\\.tsx$',
    'src/components/ui/(badge|button|card|kbd|segmented|skeleton|wordmark)\\.tsx$',
    'lucide-react/dist/esm/(createLucideIcon|Icon|context|defaultAttributes|shared/.*)\\.m?js$',
    'lucide-react/dist/esm/icons/(arrow-up|blocks|chart-column|circle-alert|cloud-off|command|ellipsis|house|library-big|list-tree|lock|message-square-text|monitor|moon|plus|rotate-cw|settings|sparkles|square-terminal|sun)\\.m?js$',
  ].join('|'),
)

// In development the page comes from Vite and everything the server answers is passed on to it.
const server = process.env.ATELIER_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/open'].map((path) => [path, { target: server, changeOrigin: true }]),
    ),
  },
  build: {
    manifest: true,
    target: 'es2022',
    // The server's content security policy allows no data: URLs outside images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every page needs, in one file: it compresses better and stays in the cache over a new version.
          groups: [
            {
              name: 'base',
              test: /node_modules\/(react|react-dom|scheduler|i18next|react-i18next|use-sync-external-store|html-parse-stringify|void-elements|clsx|@tanstack\/(react-router|router-core|history|react-store|store|query-core|react-query))\//,
            },
            { name: 'common', test: COMMON },
          ],
        },
      },
    },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
})
