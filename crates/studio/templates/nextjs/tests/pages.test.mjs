// Every page answers as visitors get it: from the built site, which is built first if it is missing or old.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'

const root = path.dirname(import.meta.dirname)
const next = path.join(root, 'node_modules/next/dist/bin/next')
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ATELIER_BASE: '' }
const GENERATED = new Set(['node_modules', '.next', 'out', 'tests', 'next-env.d.ts'])

let server
let address

before(async () => {
  if (builtAt() < changedAt(root)) {
    const { status } = spawnSync(process.execPath, [next, 'build'], { cwd: root, env: environment, stdio: 'inherit' })
    assert.equal(status, 0, 'the site builds')
  }
  const port = await findFreePort()
  const argv = [next, 'start', '--hostname', '127.0.0.1', '--port', String(port)]
  server = spawn(process.execPath, argv, { cwd: root, env: environment, stdio: ['ignore', 'ignore', 'inherit'] })
  address = `http://127.0.0.1:${port}`
  await waitUntilReady()
})

after(() => server?.kill())

test('every page has one heading of the first level', async () => {
  for (const page of findPages(path.join(root, 'app'))) {
    const answer = await fetch(address + page)
    assert.equal(answer.status, 200, page)
    const html = await answer.text()
    assert.equal(html.split('<h1').length - 1, 1, `headings of ${page}`)
  }
})

test('an unknown page says so', async () => {
  assert.equal((await fetch(`${address}/nowhere`)).status, 404)
})

function builtAt() {
  return statSync(path.join(root, '.next', 'BUILD_ID'), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** When something that the site is built from was changed last. */
function changedAt(entry) {
  const status = statSync(entry)
  if (!status.isDirectory()) return status.mtimeMs
  const names = readdirSync(entry).filter((name) => !GENERATED.has(name) && !name.endsWith('.log'))
  return Math.max(0, ...names.map((name) => changedAt(path.join(entry, name))))
}

/** The paths of the pages below a folder of the App Router; those with parameters are left out. */
function findPages(folder, at = '/') {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'page.tsx') return [at]
    if (!entry.isDirectory() || /^[[(_@]/.test(entry.name)) return []
    return findPages(path.join(folder, entry.name), path.posix.join(at, entry.name))
  })
}

function findFreePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

async function waitUntilReady() {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (await fetch(address).catch(() => null)) return
    if (server.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the site does not start')
}
