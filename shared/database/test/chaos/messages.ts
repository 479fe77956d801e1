import type { ActAnswer, ActRequest } from './cluster/control.ts'
import type { Violation } from './ledger.ts'
import type { Plan } from './plan.ts'
import type { Place } from './run-world.ts'

/** What the program tells the process that a world runs in. */
export interface Start {
  readonly plan: Plan
  readonly place: Place
}

/** What it tells it later. */
export type Command = ActAnswer

/** What that process answers, or asks. */
export type Answer =
  | ActRequest
  | { type: 'progress'; statements: number; faults: number }
  | { type: 'frozen'; pid: number }
  | { type: 'result'; result: WorldResult }

/** What became of one world. */
export interface WorldResult {
  readonly statements: number
  readonly faults: number
  readonly succeeded: number
  /** How often callers saw each kind of failure. */
  readonly failures: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
  readonly history: readonly string[]
  readonly notes: readonly string[]
  /** Whether the pooler has to be started again. */
  readonly isPoolerStuck: boolean
}
