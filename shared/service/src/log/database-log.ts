import type { DatabaseEvent } from '@shared/database'
import type { Logger } from './logger.ts'

const quietMs = 10_000

type Level = 'info' | 'warn' | 'error'

/** What is no trouble although others of its kind are, by its detail. */
const ordinary: Partial<Record<DatabaseEvent['type'], string>> = { 'plans-held': 'migrating' }

/** `warn` where none is given: a request that fails because of an event has a line of its own. `error`: mistakes of the program that no other line reports. */
const levels: Partial<Record<DatabaseEvent['type'], Level>> = {
  'lease-leaked': 'error',
  'nested-checkout': 'error',
  'lease-returned': 'info',
  recovered: 'info',
  'definitions-changed': 'info',
  'plans-released': 'info',
  'pooler-detected': 'info',
  'failed-over': 'warn',
  'listen-restored': 'info',
  'handler-failed': 'error',
}

/**
 * Writes the database's events to the log: each kind at once, then at most every 10 s with the number skipped, so
 * that an outage under load is a few lines.
 */
export function databaseLog(logger: Logger, now = () => performance.now()): (event: DatabaseEvent) => void {
  const kinds = new Map<string, { writtenAt: number; skipped: number }>()
  return ({ type, code, detail }) => {
    const kind = code === null ? type : `${type} (${code})`
    const last = kinds.get(kind)
    if (last !== undefined && now() - last.writtenAt < quietMs) {
      last.skipped += 1
      return
    }
    kinds.set(kind, { writtenAt: now(), skipped: 0 })
    const fields = { event: type, code, skipped: last?.skipped ?? 0, ...(detail !== undefined && { detail }) }
    const isOrdinary = detail !== undefined && ordinary[type] === detail
    logger[isOrdinary ? 'info' : (levels[type] ?? 'warn')](fields, `database: ${kind}`)
  }
}
