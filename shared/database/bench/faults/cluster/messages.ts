import type { Claim } from './claim.ts'
import type { PeerId, Place } from './peers.ts'

/** What the program tells the process that holds a peer. */
export type Command =
  | { type: 'start'; peer: PeerId; place: Place }
  /** The fault is about to happen. */
  | { type: 'mark' }
  /** There is a primary again. */
  | { type: 'promoted' }
  /** The fault is over: a call started from now on that succeeds, succeeds for good. */
  | { type: 'over' }

/** What that process answers. */
export type Answer =
  | { type: 'warm' }
  | { type: 'marked' }
  | { type: 'result'; result: LoadResult }
  | { type: 'failed'; message: string }

/** What the callers of one run have seen. Times in ms. */
export interface LoadResult {
  /** Calls of the whole run that were answered. */
  readonly ok: number
  readonly failed: number
  /** Calls that had not settled after `hungMs`. */
  readonly hung: number
  /** The longest call that settled, or `hungMs` and more if one hung. */
  readonly longestMs: number
  /** The longest time without a write that succeeded, from the fault on. */
  readonly gapMs: number
  /** How much of it was left when there was a primary again; null: nobody was promoted. */
  readonly gapAfterPromotionMs: number | null
  /** Whether every caller was served at the end. */
  readonly isServed: boolean
  /** Reads that did not show what their caller had written before. */
  readonly stale: number
  /** Uncaught errors and unhandled rejections, each of which ends a process that does not listen for them. */
  readonly uncaught: number
  /** How often each error arrived, by name and code. */
  readonly errors: Readonly<Record<string, number>>
  /** What callers were told of each write, by its id. */
  readonly claims: Readonly<Record<Claim, readonly number[]>>
}
