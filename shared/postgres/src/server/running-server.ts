import { readFileSync, realpathSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession, type Session } from '../admin-connection.ts'
import { errorCode, LocalPostgresError } from '../errors.ts'
import { adminUrlOf } from './data-directory.ts'
import type { Place } from './place.ts'
import { isAlive, isPostmasterOf } from './processes.ts'

/** How long a server lives: until its last user releases it, or until it is stopped. */
export type Lifetime = 'session' | 'daemon'

/** A server that runs on a place's data and has answered a query. */
export interface RunningServer {
  readonly pid: number
  readonly port: number
  readonly adminUrl: string
  /** `18.4` */
  readonly version: string
  readonly lifetime: Lifetime
}

/** The server's cluster_name, where its lifetime is written so that no state file can disagree with it. */
export const clusterNameOf = (lifetime: Lifetime): string => `local-${lifetime}`

/** The postmaster's process id and port, from its own file; null without a file. The port comes a moment after the id. */
export function readPostmasterFile(place: Place): { pid: number; port: number | null } | null {
  try {
    const lines = readFileSync(join(place.dataDirectory, 'postmaster.pid'), 'utf8').split('\n')
    const pid = Number.parseInt(lines[0] ?? '', 10)
    const port = Number.parseInt(lines[3] ?? '', 10)
    return Number.isNaN(pid)
      ? null
      : { pid: Math.abs(pid), port: Number.isNaN(port) || port === 0 ? null : port }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null
    throw error
  }
}

/** The process id of a live postmaster of this place, also of one that answers nobody. */
export function postmasterPid(place: Place): number | null {
  const file = readPostmasterFile(place)
  return file !== null && isPostmasterOf(file.pid, place.dataDirectory) ? file.pid : null
}

/**
 * Puts a stale postmaster.pid aside whose id another process has got since, as PostgreSQL would refuse to start.
 *
 * Every other stale file PostgreSQL recovers from by itself. The caller holds the start lock.
 */
export function clearReusedPid(place: Place): void {
  const file = readPostmasterFile(place)
  if (file === null || isPostmasterOf(file.pid, place.dataDirectory)) return
  // A zombie is dead to isAlive and alive to PostgreSQL, so it is asked in PostgreSQL's way too.
  if (isAlive(file.pid) || answersSignals(file.pid)) {
    const path = join(place.dataDirectory, 'postmaster.pid')
    renameSync(path, `${path}.stale`)
  }
}

function answersSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * Waits for the running server of a place to answer; null where none runs.
 *
 * Throws `PASSWORD` if it refuses the saved password and `START_FAILED` if it is silent for `timeoutMs`.
 */
export async function findRunning(place: Place, timeoutMs: number): Promise<RunningServer | null> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const pid = postmasterPid(place)
    if (pid === null) return null
    const port = readPostmasterFile(place)?.port ?? null
    const answer = port === null ? 'not listening yet' : await ask(place, pid, port)
    if (typeof answer !== 'string') return answer
    if (performance.now() > deadline) {
      throw new LocalPostgresError(
        'START_FAILED',
        `A PostgreSQL server (process ${pid}) has the data in ${place.root} open and does not answer (${answer}). ` +
          'Stop it (bun run db:stop) and try again.',
      )
    }
    await sleep(15)
  }
}

/** The server if it answers and is this place's, else why not yet (a code). */
export async function ask(place: Place, pid: number, port: number): Promise<RunningServer | string> {
  const adminUrl = adminUrlOf(place, port)
  let session: Session
  try {
    session = await openSession(adminUrl, { timeoutMs: 2_000, applicationName: 'local-postgres' })
  } catch (error) {
    if (errorCode(error) !== '28P01') return errorCode(error) ?? 'unknown error'
    throw new LocalPostgresError(
      'PASSWORD',
      `The server on port ${port} refuses the password in ${place.passwordFile}. ` +
        `Set it again (ALTER ROLE postgres PASSWORD …) or, if the data can go, remove ${place.root}.`,
    )
  }
  try {
    const [row] = await session.sql<{ data: string; name: string; version: string }[]>`
      select current_setting('data_directory') as data, current_setting('cluster_name') as name,
        current_setting('server_version') as version`
    if (row === undefined || realpathSync(row.data) !== place.dataDirectory)
      return 'another server has the port'
    const lifetime: Lifetime = row.name === clusterNameOf('daemon') ? 'daemon' : 'session'
    return { pid, port, adminUrl, version: row.version, lifetime }
  } catch (error) {
    return errorCode(error) ?? 'unknown error'
  } finally {
    await session.close()
  }
}
