// What can be seen on the page, for `visit.rs`. It runs beside the page's own scripts, in a world
// where they have changed nothing, and takes bounded time: a page may have any number of nodes.
(() => {
  const TEXT = 4096
  const NODES = 20000
  const LINKS = 5
  const SILENT = new Set(['script', 'style', 'noscript', 'template', 'head', 'vite-error-overlay', 'nextjs-portal'])
  const SHOWN = new Set(['img', 'svg', 'canvas', 'video', 'input', 'textarea', 'select', 'button', 'iframe', 'embed', 'object', 'progress', 'meter'])

  let text = ''
  let hasPicture = false
  const say = (words) => {
    if (/\s$/.test(text) || !text) words = words.trimStart()
    text += words
  }
  const pending = document.body ? [document.body] : []
  for (let count = 0; pending.length && count < NODES && text.length < TEXT; count += 1) {
    const node = pending.pop()
    if (typeof node === 'string') {
      if (text && !text.endsWith('\n')) text = text.trimEnd() + node
      continue
    }
    if (node.nodeType === Node.TEXT_NODE) {
      say(node.data.slice(0, 2 * TEXT).replace(/\s+/g, ' '))
      continue
    }
    if (node.nodeType !== Node.ELEMENT_NODE || SILENT.has(node.localName)) continue
    const style = getComputedStyle(node)
    // None at all: it is in no slot of the element around it.
    if (style.display === 'none' || !style.display) continue
    const isVisible = style.visibility === 'visible'
    if (isVisible && SHOWN.has(node.localName)) {
      const box = node.getBoundingClientRect()
      hasPicture ||= box.width > 1 && box.height > 1
    }
    if (node.localName === 'svg') continue
    const isBlock = !style.display.startsWith('inline') && style.display !== 'contents'
    if (isBlock || node.localName === 'br') pending.push('\n')
    const isSlotted = !node.shadowRoot || node.shadowRoot.querySelector('slot')
    for (const root of [isSlotted && node, node.shadowRoot]) {
      for (let child = root?.lastChild, left = NODES; child && left > 0; child = child.previousSibling, left -= 1) {
        if (isVisible || child.nodeType !== Node.TEXT_NODE) pending.push(child)
      }
    }
    if (isBlock) pending.push('\n')
  }

  const links = new Set()
  const anchors = document.querySelectorAll('a[href]:not([download])')
  for (let index = 0; index < Math.min(anchors.length, 500) && links.size < LINKS; index += 1) {
    const { origin, pathname, search } = anchors[index]
    const path = pathname + search
    if (origin === location.origin && path !== location.pathname + location.search && path.length < 500) links.add(path)
  }

  const overlays = []
  const words = (root, ...selectors) => {
    const found = selectors.map((selector) => root?.querySelector(selector)?.textContent.trim())
    const message = found.filter(Boolean).join('\n')
    if (message) overlays.push(message.slice(0, TEXT))
  }
  words(document.querySelector('vite-error-overlay')?.shadowRoot, '.message', '.file', '.frame')
  const next = document.querySelector('nextjs-portal')?.shadowRoot
  words(next?.querySelector('[role="dialog"], [data-nextjs-dialog]'), '[data-nextjs-dialog-header], [data-nextjs-dialog-content]')
  words(document.querySelector('iframe#webpack-dev-server-client-overlay')?.contentDocument, 'body')

  text = text.trim().slice(0, TEXT)
  return { url: location.href, title: document.title.slice(0, 200), text, isBlank: !text && !hasPicture, links: [...links], overlays }
})()
