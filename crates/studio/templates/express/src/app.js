// The app: pages, the JSON API, files of public/.
import path from 'node:path'
import express from 'express'
import { api } from './api.js'
import { readContent } from './content.js'
import { liveReload } from './live-reload.js'
import { pages } from './pages.js'

const root = path.dirname(import.meta.dirname)

export function createApp() {
  const app = express()
  app.disable('x-powered-by')
  app.set('view engine', 'ejs')
  app.set('views', path.join(root, 'views'))

  if (process.env.LIVE_RELOAD) app.use('/live-reload', liveReload(root))
  app.use('/api', api)
  app.use(express.static(path.join(root, 'public')))

  for (const page of pages) {
    app.get(page.path, (request, response) => show(response, page))
  }
  app.use((request, response) => {
    response.status(404)
    show(response, { path: request.path, view: 'not-found' })
  })
  return app
}

/** Renders a view inside what every view knows: the texts, the pages and which of them this is. */
function show(response, page) {
  const content = readContent()
  const label = page.label ?? content[page.text]?.label ?? content.notFound.title
  const liveReload = Boolean(process.env.LIVE_RELOAD)
  response.render(page.view, { content, pages, page, label, liveReload, root: rootOf(page.path) })
}

/** The start of the site as seen from a page. Links are relative, so that the site works in any folder. */
function rootOf(path) {
  return '../'.repeat(path.split('/').length - 2) || './'
}
