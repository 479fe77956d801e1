import { Database } from 'bun:sqlite'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { notice } from '../command-line/notice.ts'
import { readPackages, repositoryRoot } from './packages.ts'

const pollMs = 100
const failureLines = 20

/**
 * Installs what bun.lock names if that has not been done since it or a manifest changed.
 *
 * Reads some files and uses no network when nothing is to do; two commands at once wait for each other. In production
 * (NODE_ENV) nothing is ever installed: an image holds what it was built with.
 *
 * @returns `installed`: this process may not see the packages yet, start another one.
 */
export async function ensureInstalled(root = repositoryRoot): Promise<'ready' | 'installed' | 'failed'> {
  if (process.env.NODE_ENV === 'production' || isInstalled(root)) return 'ready'
  const lock = await takeLock(root)
  try {
    // Another command may have installed while this one waited; this process does not see those packages either.
    if (isInstalled(root)) return 'installed'
    return install(root) ? 'installed' : 'failed'
  } finally {
    lock?.close()
  }
}

function install(root: string): boolean {
  notice('installing dependencies (bun install) …')
  const startedAt = performance.now()
  const result = Bun.spawnSync([process.execPath, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = `${result.stdout}${result.stderr}`.trim()
  if (result.exitCode !== 0) {
    console.error(output.split('\n').slice(-failureLines).join('\n'))
    const advice = /frozen/.test(output)
      ? 'A package.json and bun.lock disagree: run bun install and commit bun.lock.'
      : 'Fix the problem above and try again.'
    console.error(`bun install failed with exit code ${result.exitCode}. ${advice}`)
    return false
  }
  notice(`dependencies installed in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  try {
    writeFileSync(stampFile(root), fingerprint(root))
  } catch {
    // The folder belongs to another user: the next command installs again, which takes a moment.
  }
  return true
}

function isInstalled(root: string): boolean {
  const stamp = stampFile(root)
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint(root)) return false
  return readPackages(root).every(({ folder, manifest }) => {
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies }
    return Object.keys(wanted).length === 0 || existsSync(join(folder, 'node_modules'))
  })
}

const stampFile = (root: string): string => join(root, 'node_modules', '.installed')

/** Changes with everything an install depends on. */
function fingerprint(root: string): string {
  const files = ['bun.lock', 'bunfig.toml', 'package.json']
  const manifests = readPackages(root).map(({ path }) => `${path}/package.json`)
  const hash = new Bun.CryptoHasher('sha256').update(`bun ${Bun.version}`)
  for (const file of [...files, ...manifests]) {
    const path = join(root, file)
    hash.update(`\0${file}\0`).update(existsSync(path) ? readFileSync(path) : '')
  }
  return hash.digest('hex')
}

/** SQLite's lock on an empty file: the kernel releases it when its holder ends. Null where the folder is not writable. */
async function takeLock(root: string): Promise<Database | null> {
  let lock: Database
  try {
    mkdirSync(join(root, 'node_modules'), { recursive: true })
    lock = new Database(join(root, 'node_modules', '.install-lock'), { create: true })
    lock.run('PRAGMA busy_timeout = 0')
  } catch {
    return null
  }
  for (;;) {
    try {
      lock.run('BEGIN EXCLUSIVE')
      return lock
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY')) {
        lock.close()
        return null
      }
      await Bun.sleep(pollMs)
    }
  }
}
