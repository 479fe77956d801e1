import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { countUsers } from './attachment.ts'
import { defaultDataRoot, resolvePlace } from './place.ts'
import { findRunning, type Lifetime, postmasterPid } from './running-server.ts'
import { type StopOptions, stopProcess } from './server-process.ts'
import { lockTimeoutMs, withStartLock } from './start-lock.ts'

/** A server found running; nothing is held on it. */
export interface FoundPostgres {
  readonly adminUrl: string
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly version: string
  readonly dataDirectory: string
  readonly lifetime: Lifetime
  /** Processes that hold it now. */
  readonly users: number
}

/**
 * The local server that runs on a data root (default `.data/postgres`), or null.
 *
 * Throws LocalPostgresError `PASSWORD`, or `START_FAILED` if a server has the data open and is silent for
 * `timeoutMs` (default 5000).
 */
export async function findPostgres(
  options: { dataRoot?: string; timeoutMs?: number } = {},
): Promise<FoundPostgres | null> {
  const place = resolvePlace(options.dataRoot ?? defaultDataRoot(), { create: false })
  const server = place === null ? null : await findRunning(place, options.timeoutMs ?? 5_000)
  if (place === null || server === null) return null
  const { adminUrl, port, pid, version, lifetime } = server
  const users = await countUsers(adminUrl)
  return {
    adminUrl,
    host: '127.0.0.1',
    port,
    pid,
    version,
    dataDirectory: place.dataDirectory,
    lifetime,
    users,
  }
}

/** The port that the server of a data root was started on last, also while it runs; null where it never was. */
export function lastPort(options: { dataRoot?: string } = {}): number | null {
  const place = resolvePlace(options.dataRoot ?? defaultDataRoot(), { create: false })
  const file = place === null ? null : join(place.dataDirectory, 'postmaster.opts')
  if (file === null || !existsSync(file)) return null
  const port = /"-p" "(\d+)"/.exec(readFileSync(file, 'utf8'))?.[1]
  return port === undefined ? null : Number(port)
}

/** Stops the server of a data root for everybody, also one that answers nobody. False if none ran. Throws `STOP_FAILED`. */
export async function stopPostgres(options: { dataRoot?: string } & StopOptions = {}): Promise<boolean> {
  const place = resolvePlace(options.dataRoot ?? defaultDataRoot(), { create: false })
  if (place === null) return false
  return withStartLock(place, lockTimeoutMs, async () => {
    const pid = postmasterPid(place)
    if (pid === null) return false
    await stopProcess(place, pid, options)
    return true
  })
}
