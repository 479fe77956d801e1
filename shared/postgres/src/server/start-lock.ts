import { Database } from 'bun:sqlite'
import { chownSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode, LocalPostgresError } from '../errors.ts'
import type { Place } from './place.ts'

/** How long starts and stops wait for each other. */
export const lockTimeoutMs = 120_000

const pollMs = 20

/**
 * Runs the function while no other process starts or stops the server of this place.
 *
 * The lock is SQLite's lock on an empty file: the kernel lets go of it when its holder dies, however it dies, so there
 * is never a stale lock to judge. Throws `LOCK_TIMEOUT` after `timeoutMs`.
 */
export async function withStartLock<T>(place: Place, timeoutMs: number, fn: () => Promise<T>): Promise<T> {
  const lock = new Database(place.lockFile, { create: true })
  try {
    if (place.user.switched) chownSync(place.lockFile, place.user.uid, place.user.gid)
    const deadline = performance.now() + timeoutMs
    while (!tryLock(lock)) {
      if (performance.now() > deadline) {
        throw new LocalPostgresError(
          'LOCK_TIMEOUT',
          `Another process has been starting or stopping the server in ${place.root} for ${timeoutMs} ms. ` +
            'Wait for it or stop it, then try again.',
        )
      }
      await sleep(pollMs)
    }
    return await fn()
  } finally {
    lock.close()
  }
}

function tryLock(lock: Database): boolean {
  try {
    lock.run('PRAGMA busy_timeout = 0')
    lock.run('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (errorCode(error) === 'SQLITE_BUSY') return false
    throw error
  }
}
