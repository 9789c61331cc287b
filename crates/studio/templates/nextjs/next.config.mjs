/** @type {import('next').NextConfig} */
const config = {
  // The folder the site is served from: "" at the top, "/preview" below that folder.
  basePath: (process.env.ATELIER_BASE ?? '').replace(/\/+$/, ''),
  // Each has a folder of its own, so that both can be served at once.
  distDir: process.env.ATELIER_BASE ? '.next/below' : '.next',
  // Below a folder, both `/preview` and `/preview/` are the first page, whichever the proxy asks for.
  skipTrailingSlashRedirect: true,
  // `localhost` and what is below it is always allowed; a preview on another name is said so.
  allowedDevOrigins: process.env.ATELIER_HOSTS?.split(',') ?? [],
  // This folder, even where a folder above has a lock file of its own.
  turbopack: { root: import.meta.dirname },
  // Nothing is asked of other machines: no look for newer versions, no advice to upgrade.
  experimental: { agentUpgrade: false },
  // The preview shows the page as visitors will see it.
  devIndicators: false,
}

export default config
