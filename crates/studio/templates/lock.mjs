// Writes the lock files of the templates anew from what they ask for: `node lock.mjs [template …]`.
// No registry's address gets into them, nor those of sponsors, so that they say the same everywhere.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const here = import.meta.dirname
const names = process.argv.slice(2)
const templates = names.length > 0 ? names : readdirSync(here).filter((name) => existsSync(path.join(here, name, 'template.toml')))

for (const name of templates) {
  const folder = path.join(here, name)
  const work = mkdtempSync(path.join(tmpdir(), 'lock-'))
  try {
    if (existsSync(path.join(folder, 'package.json'))) lockNpm(folder, work)
    if (existsSync(path.join(folder, 'requirements.txt'))) lockPip(folder, work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  console.log(`${name}: done`)
}

function lockNpm(folder, work) {
  copyFileSync(path.join(folder, 'package.json'), path.join(work, 'package.json'))
  const options = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund']
  run('npm', ['install', ...options, '--omit-lockfile-registry-resolved=true'], work)
  const lock = JSON.parse(readFileSync(path.join(work, 'package-lock.json'), 'utf8'))
  lock.name = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).name
  for (const entry of Object.values(lock.packages)) {
    delete entry.funding
    delete entry.resolved
  }
  writeFileSync(path.join(folder, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
}

function lockPip(folder, work) {
  const bin = path.join(work, 'venv', 'bin')
  run('python3', ['-m', 'venv', path.join(work, 'venv')], work)
  run(path.join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', 'pip-tools'], work)
  copyFileSync(path.join(folder, 'requirements.txt'), path.join(work, 'requirements.txt'))
  const quiet = ['--no-header', '--no-annotate', '--no-emit-index-url', '--no-emit-trusted-host', '--no-emit-find-links']
  const options = ['--quiet', '--generate-hashes', '--strip-extras', '--output-file', 'requirements.lock']
  run(path.join(bin, 'pip-compile'), [...quiet, ...options, 'requirements.txt'], work)
  const head = '# Everything the app needs, with digests. Made from requirements.txt.\n'
  writeFileSync(path.join(folder, 'requirements.lock'), head + readFileSync(path.join(work, 'requirements.lock'), 'utf8'))
}

function run(program, argv, cwd) {
  execFileSync(program, argv, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}
