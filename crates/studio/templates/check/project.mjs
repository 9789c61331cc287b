// A project made from a template in a folder of its own: installed, checked, served.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { NOT_COPIED } from './template.mjs'

export function createProject(template) {
  const folder = mkdtempSync(path.join(tmpdir(), `template-${template.name}-`))
  const wanted = (from) => !NOT_COPIED.includes(path.relative(template.folder, from).split(path.sep)[0])
  cpSync(template.folder, folder, { recursive: true, filter: wanted })
  return folder
}

export function removeProject(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Runs a command to its end; its output is shown only if it fails. */
export function run(argv, cwd, label) {
  const started = performance.now()
  const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), { cwd, encoding: 'utf8', env: environment() })
  const output = `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`
  assert.equal(status, 0, `${label}: \`${argv.join(' ')}\` failed\n${output.slice(-6000)}`)
  return performance.now() - started
}

/** The files of the project that are its own, with their content, to be put back later. */
export function takeSnapshot(template, folder) {
  const files = new Map()
  for (const file of listFiles(template, folder)) files.set(file, readFileSync(path.join(folder, file)))
  return files
}

export function restoreSnapshot(template, folder, snapshot) {
  for (const file of listFiles(template, folder)) {
    if (!snapshot.has(file)) rmSync(path.join(folder, file))
  }
  for (const [file, content] of snapshot) {
    const target = path.join(folder, file)
    if (!readFileSync(target).equals(content)) writeFileSync(target, content)
  }
}

export function sameFiles(one, other) {
  assert.deepEqual([...one.keys()].sort(), [...other.keys()].sort())
  for (const [file, content] of one) assert.ok(content.equals(other.get(file)), `${file} differs`)
}

function listFiles(template, folder, below = '') {
  const left = template.checkpoint.exclude.filter((entry) => !entry.includes('*')).map((entry) => entry.replace(/\/$/, ''))
  return readdirSync(path.join(folder, below))
    .filter((name) => !left.includes(name))
    .map((name) => path.join(below, name))
    .flatMap((entry) => (statSync(path.join(folder, entry)).isDirectory() ? listFiles(template, folder, entry) : [entry]))
}

/** Starts the dev server, hands its address over when it answers, and stops it with all it started. */
export async function serve(template, folder, use, added = {}) {
  const port = await findFreePort()
  const put = (text) => text.replaceAll('{port}', String(port))
  const [program, ...argv] = template.dev.command.map(put)
  const own = Object.entries(template.dev.environment ?? {}).map(([name, value]) => [name, put(value)])
  const env = { ...environment(), ...Object.fromEntries(own), ...added }
  const options = { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }
  const started = performance.now()
  const server = spawn(program, argv, options)
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (output += data))
  try {
    const address = `http://127.0.0.1:${port}`
    const base = added.ATELIER_BASE?.replace(/\/$/, '') ?? ''
    await waitUntilReady(address + base + template.dev.ready.path, template.dev.ready.timeout_seconds, server)
    return await use(address, performance.now() - started)
  } catch (error) {
    error.message += `\n${output.slice(-4000)}`
    throw error
  } finally {
    await stop(server)
  }
}

async function waitUntilReady(address, seconds, server) {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end && server.exitCode === null) {
    const answer = await fetch(address).catch(() => null)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${address} does not answer`)
}

async function stop(server) {
  if (server.exitCode !== null) return
  const gone = new Promise((resolve) => server.once('exit', resolve))
  const kill = (signal) => {
    try {
      process.kill(-server.pid, signal)
    } catch {}
  }
  kill('SIGTERM')
  const timer = setTimeout(kill, 5000, 'SIGKILL')
  await gone
  clearTimeout(timer)
  kill('SIGKILL')
}

/** What is set for the one who runs the check and would change what is checked is left out. */
function environment() {
  const { NODE_ENV, ATELIER_BASE, ATELIER_HOSTS, VIRTUAL_ENV, PYTHONPATH, ...rest } = process.env
  return rest
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
