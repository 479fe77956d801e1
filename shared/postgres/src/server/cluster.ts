import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LocalPostgresError } from '../errors.ts'
import type { Binaries } from './binaries.ts'
import type { Place } from './place.ts'
import { spawnAs } from './server-user.ts'

/** The superuser of a local server. */
export const superuser = 'postgres'

/**
 * Makes the data directory if it is not there yet; the caller holds the start lock.
 *
 * A directory is either whole or absent under its name, as initdb works in a sibling that is renamed at the end.
 * Throws `VERSION_MISMATCH`, `INIT_FAILED`, `PASSWORD`.
 */
export async function ensureCluster(
  place: Place,
  binaries: Binaries,
  options: { sync: boolean; onNotice: (line: string) => void },
): Promise<void> {
  for (const leftover of readdirSync(place.root).filter((name) => name.startsWith('data.init-'))) {
    rmSync(join(place.root, leftover), { recursive: true, force: true })
  }
  if (existsSync(place.dataDirectory)) {
    if (isWhole(place.dataDirectory)) return checkCluster(place, binaries)
    const aside = `${place.dataDirectory}.broken-${Date.now()}`
    renameSync(place.dataDirectory, aside)
    options.onNotice(`${place.dataDirectory} was only half made: moved to ${aside}, making a new one`)
  }
  await initialise(place, binaries, options.sync)
}

const isWhole = (data: string): boolean =>
  existsSync(join(data, 'PG_VERSION')) && existsSync(join(data, 'global/pg_control'))

function checkCluster(place: Place, binaries: Binaries): void {
  const major = readFileSync(join(place.dataDirectory, 'PG_VERSION'), 'utf8').trim()
  if (major !== String(binaries.major)) {
    throw new LocalPostgresError(
      'VERSION_MISMATCH',
      `${place.dataDirectory} was made by PostgreSQL ${major}, and the installed binaries are version ${binaries.major}. ` +
        `If its data can go, remove ${place.root} and start again; if not, dump it with PostgreSQL ${major} first.`,
    )
  }
  if (!existsSync(place.passwordFile)) {
    throw new LocalPostgresError(
      'PASSWORD',
      `${place.passwordFile} is missing, so nobody can log in to the server in ${place.root}. ` +
        'Restore the file or, if the data can go, remove the folder and start again.',
    )
  }
}

/** The superuser's password, made on the first call. */
function ensurePassword(place: Place): void {
  if (existsSync(place.passwordFile) && readFileSync(place.passwordFile, 'utf8').trim() !== '') return
  writeFileSync(place.passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
  if (place.user.switched) chownSync(place.passwordFile, place.user.uid, place.user.gid)
}

/** `postgres://…` of the superuser on a local port. */
export function adminUrlOf(place: Place, port: number): string {
  const password = readFileSync(place.passwordFile, 'utf8').trim()
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
}

async function initialise(place: Place, binaries: Binaries, sync: boolean): Promise<void> {
  ensurePassword(place)
  const building = `${place.dataDirectory}.init-${process.pid}`
  const args = [
    `--pgdata=${building}`,
    `--username=${superuser}`,
    `--pwfile=${place.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The builtin provider sorts the same on every system and needs no system locale but C.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(sync ? [] : ['--no-sync']),
  ]
  const { code, output } = await run(binaries.initdb, args, place)
  if (code !== 0) {
    rmSync(building, { recursive: true, force: true })
    throw new LocalPostgresError(
      'INIT_FAILED',
      `initdb could not make a data directory in ${place.root} (exit ${code}). ` +
        'Check the free space and the permissions of that folder.',
      { logTail: output.trimEnd().split('\n').slice(-15) },
    )
  }
  renameSync(building, place.dataDirectory)
}

function run(
  program: string,
  args: string[],
  place: Place,
): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...spawnAs(place.user, place.root),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'unknown', output }))
  })
}
