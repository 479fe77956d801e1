import { createHash } from 'node:crypto'
import { channels, type StatementMessage } from '@shared/database'

/** What one kind of statement has cost since the start. Times in ms. */
export interface StatementCount {
  /** The same for texts that differ in constants and in how many parameters a list has. */
  readonly fingerprint: string
  /** What it does to what: `SELECT products`. */
  readonly summary: string
  /** Without constants. */
  readonly statement: string
  calls: number
  errors: number
  /** Until they had a connection. */
  waitMs: number
  /** On it, to the answer. */
  runMs: number
  longestMs: number
}

/** Counts statements by their masked text. */
export interface StatementCounts {
  /** All since the start that are over and had a connection, of whatever kind. */
  readonly sent: number
  /** The costliest first; at most `most`, and one more for all the others. */
  list(): StatementCount[]
  stop(): void
}

const most = 100
/** The fingerprint of what came when there were enough kinds. */
const others = 'other'

/**
 * Counts the statements of a database, of its standbys too. There are 100 kinds at most, each of which is a series of its own where
 * metrics are kept: what comes later is counted as `other`.
 *
 * @param name The database's name.
 */
export function countStatements(name: string): StatementCounts {
  const kinds = new Map<string, StatementCount>()
  // Texts of which the fingerprint is known; bounded, as dynamic SQL has no end of them.
  const known = new Map<string, StatementCount>()
  let sent = 0

  function countOf({ text, summary }: StatementMessage): StatementCount {
    const found = known.get(text)
    if (found) return found
    const fingerprint = fingerprintOf(text)
    const kind = kinds.get(fingerprint) ?? addKind(fingerprint, summary, text)
    if (known.size < 10 * most) known.set(text, kind)
    return kind
  }

  function addKind(fingerprint: string, summary: string, statement: string): StatementCount {
    const key = kinds.size < most ? fingerprint : others
    const told = key === others ? { summary: others, statement: '' } : { summary, statement }
    const kind = kinds.get(key) ?? {
      fingerprint: key,
      ...told,
      ...{ calls: 0, errors: 0, waitMs: 0, runMs: 0, longestMs: 0 },
    }
    kinds.set(key, kind)
    return kind
  }

  const listener = (published: unknown): void => {
    const message = published as StatementMessage
    if (message.pool !== name && !message.pool.startsWith(`${name} `)) return
    const kind = countOf(message)
    const runMs = message.durationMs ?? 0
    kind.calls++
    if (message.attempts > 0) sent++
    if (message.errorCode !== null) kind.errors++
    kind.waitMs += message.waitMs ?? 0
    kind.runMs += runMs
    kind.longestMs = Math.max(kind.longestMs, runMs)
  }
  const { asyncEnd } = channels.statement
  asyncEnd.subscribe(listener)
  return {
    get sent() {
      return sent
    },
    list: () => [...kinds.values()].sort((one, other) => other.runMs - one.runMs),
    stop: () => void asyncEnd.unsubscribe(listener),
  }
}

/** Lists of parameters are as long as what they are made of: each length would be a kind of its own. */
function fingerprintOf(text: string): string {
  const shape = text
    .replaceAll(/\$\d+/g, '?')
    .replaceAll(/\?(?:\s*,\s*\?)+/g, '?')
    .replaceAll(/\(\?\)(?:\s*,\s*\(\?\))+/g, '(?)')
  return createHash('sha256').update(shape).digest('hex').slice(0, 16)
}
