import { ConnectionLostError, causes, findDatabaseError, sqlState } from '../../src/index.ts'
import type { Outcome } from './ledger.ts'
import type { Plan } from './plan.ts'

/** A caller got an answer that is not its own, or not right. */
export class WrongAnswer extends Error {}

/** What a callback throws to have its transaction undone. */
export class Undo extends Error {}

/** Where a write was when it failed. */
export type Phase = 'single' | 'in-transaction' | 'committing'

/** What an error says of the work that it ended. */
export interface Judgement {
  readonly outcome: Outcome
  /** For counting: this layer's code, or the SQLSTATE. */
  readonly kind: string
  /** Whether the plan of this world can have caused it. */
  readonly isExpected: boolean
}

// Serialization failure, deadlock, too many connections, lock timeout.
const alwaysExpected = ['40001', '40P01', '53300', '55P03']
// A plan that is stale in a transaction can't be made anew there.
const staleInTransaction = ['0A000', '26000']

/**
 * Reads an error as a caller would.
 *
 * @param asked SQLSTATEs that the statement itself causes.
 */
export function judge(error: unknown, phase: Phase, plan: Plan, asked: readonly string[] = []): Judgement {
  if (error instanceof Undo) return { outcome: 'absent', kind: 'undone', isExpected: true }
  const own = findDatabaseError(error)
  if (own instanceof ConnectionLostError) {
    const outcome = own.outcome === 'unknown' ? 'unknown' : 'absent'
    return { outcome, kind: `CONNECTION_LOST ${own.outcome}`, isExpected: true }
  }
  if (own?.code === 'STATEMENT_TIMEOUT' || own?.code === 'WORK_ABORTED') {
    const outcome = phase === 'in-transaction' ? 'absent' : 'unknown'
    return { outcome, kind: own.code, isExpected: true }
  }
  if (own) {
    const isExpected = own.code !== 'CONFIGURATION' && own.code !== 'LEASE_ENDED'
    return { outcome: 'absent', kind: own.code, isExpected }
  }
  const state = sqlState(error)
  if (state === null) return { outcome: 'unknown', kind: nameOf(error), isExpected: false }
  return { outcome: 'absent', kind: state, isExpected: expectedStates(phase, plan, asked).includes(state) }
}

function expectedStates(phase: Phase, plan: Plan, asked: readonly string[]): readonly string[] {
  const faults = plan.serverFaults
  return [
    ...alwaysExpected,
    ...asked,
    ...(faults.includes('cancel') ? ['57014'] : []),
    ...(faults.includes('terminate') ? ['57P01'] : []),
    ...(faults.includes('definitions') && phase !== 'single' ? staleInTransaction : []),
    // A server that is stopped, or crashes.
    ...(plan.route === 'cluster' ? ['57P01', '57P02'] : []),
    // What PgBouncer answers while it has no server to give.
    ...(plan.route === 'pooler' ? ['08P01', '57P01', '58000'] : []),
  ]
}

/** An error in one piece of text, causes included. */
export function describeError(error: unknown): string {
  return [...causes(error)].map(nameOf).join(' < ') || String(error)
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  const message = error.message.split('\n')[0]?.slice(0, 120)
  return `${error.name}${typeof code === 'string' ? ` ${code}` : ''}: ${message}`
}
