import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  // The folder the site is served from, with a slash at both ends.
  base: process.env.ATELIER_BASE || '/',
  plugins: [react()],
  server: {
    open: false,
    // `localhost`, what is below it and plain addresses are always allowed; a preview on another name is said so.
    allowedHosts: process.env.ATELIER_HOSTS?.split(',') ?? [],
    // Ready before the first visitor asks.
    warmup: { clientFiles: ['./src/main.tsx'] },
  },
})
