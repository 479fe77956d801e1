import { closeSync, constants, fchownSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import type { Place } from './place.ts'

const keepBytes = 10_000_000

/** Opens the server's log for appending; a long one is put aside as `server.log.1` first. */
export function openServerLog(place: Place): { fd: number; startsAt: number; close: () => void } {
  const size = logSize(place)
  if (size > keepBytes) renameSync(place.logFile, `${place.logFile}.1`)
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants
  const fd = openSync(place.logFile, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
  if (place.user.switched) fchownSync(fd, place.user.uid, place.user.gid)
  return { fd, startsAt: size > keepBytes ? 0 : size, close: () => closeSync(fd) }
}

/** The length of the log in bytes: where the lines of the next start will begin. */
export const logSize = (place: Place): number => statSync(place.logFile, { throwIfNoEntry: false })?.size ?? 0

/** The last lines of the log, oldest first, not from before the given byte. */
export function logTail(place: Place, startsAt = 0, lines = 15): string[] {
  try {
    const text = readFileSync(place.logFile).subarray(startsAt).toString('utf8').trimEnd()
    return text === '' ? [] : text.split('\n').slice(-lines)
  } catch {
    return []
  }
}
