import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LocalPostgresError } from '../errors.ts'
import type { Binaries } from './binaries.ts'
import type { Place } from './place.ts'
import { writePrivateFile } from './private-file.ts'
import { spawnAs } from './server-user.ts'

/** The superuser of a local server. */
export const superuser = 'postgres'

/**
 * Makes the data directory if it is not there yet; the caller holds the start lock.
 *
 * A directory is either whole or absent under its name, as `make` works in a sibling that is renamed at the end.
 * Throws `VERSION_MISMATCH`, `PASSWORD`, and what `make` throws.
 */
export async function ensureDataDirectory(
  place: Place,
  binaries: Binaries,
  options: { make: (folder: string) => Promise<void>; onNotice: (line: string) => void },
): Promise<void> {
  for (const leftover of readdirSync(place.root).filter((name) => name.startsWith('data.init-'))) {
    rmSync(join(place.root, leftover), { recursive: true, force: true })
  }
  if (existsSync(place.dataDirectory)) {
    if (isWhole(place.dataDirectory)) return checkDataDirectory(place, binaries)
    const aside = `${place.dataDirectory}.broken-${Date.now()}`
    renameSync(place.dataDirectory, aside)
    options.onNotice(`${place.dataDirectory} was only half made: moved to ${aside}, making a new one`)
  }
  await makeDataDirectory(place, options.make)
}

/** Puts what `make` makes in the place of the data that is there, if any, once it is whole; the start lock is held. */
export async function makeDataDirectory(
  place: Place,
  make: (folder: string) => Promise<void>,
): Promise<void> {
  const building = `${place.dataDirectory}.init-${process.pid}`
  try {
    await make(building)
    rmSync(place.dataDirectory, { recursive: true, force: true })
    renameSync(building, place.dataDirectory)
  } catch (error) {
    rmSync(building, { recursive: true, force: true })
    throw error
  }
}

const isWhole = (data: string): boolean =>
  existsSync(join(data, 'PG_VERSION')) && existsSync(join(data, 'global/pg_control'))

/** Throws `DATA_FOLDER`, `VERSION_MISMATCH` or `PASSWORD` where the data cannot be used. */
export function checkDataDirectory(place: Place, binaries: Binaries): void {
  if (!isWhole(place.dataDirectory)) {
    throw new LocalPostgresError('DATA_FOLDER', `${place.dataDirectory} holds no data any more.`)
  }
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
  writePrivateFile(place.passwordFile, randomBytes(24).toString('base64url'), place.user)
}

/** `postgres://…` of the superuser on a local port. */
export function adminUrlOf(place: Place, port: number): string {
  const password = readFileSync(place.passwordFile, 'utf8').trim()
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
}

/** Makes a new, empty data directory in the folder. Throws `INIT_FAILED`. */
export async function initialise(
  place: Place,
  binaries: Binaries,
  { folder, sync }: { folder: string; sync: boolean },
): Promise<void> {
  ensurePassword(place)
  const args = [
    `--pgdata=${folder}`,
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
    throw new LocalPostgresError(
      'INIT_FAILED',
      `initdb could not make a data directory in ${place.root} (exit ${code}). ` +
        'Check the free space and the permissions of that folder.',
      { logTail: output.trimEnd().split('\n').slice(-15) },
    )
  }
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
