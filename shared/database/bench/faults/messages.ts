import type { PeerId } from './peers.ts'

/** What the program tells the process that holds a peer. */
export type Command =
  | { type: 'start'; peer: PeerId; url: string; hasLongStatement: boolean }
  /** The fault is about to happen. */
  | { type: 'mark' }
  /** It has happened: a call started from now on that succeeds, succeeds in spite of it. */
  | { type: 'happened' }

/** What that process answers. */
export type Answer =
  | { type: 'warm' }
  | { type: 'marked' }
  | { type: 'result'; result: LoadResult }
  | { type: 'failed'; message: string }

/** What the callers of one run have seen. Times in ms, since the fault. */
export interface LoadResult {
  /** Calls of the whole run that were answered, and rightly. */
  ok: number
  failed: number
  /** Calls that had not settled after `hungMs`. */
  hung: number
  /** The most calls in flight at once from the fault until one failed, hung, or came back in spite of it. */
  inFlight: number
  /** The longest call that settled, or `hungMs` and more if one hung. */
  longestMs: number
  /** When the first call came back that was started after the fault; null: none did. */
  firstSuccessMs: number | null
  /** When the last caller had such a call back; null: some caller never had. */
  allServedMs: number | null
  /** Uncaught errors and unhandled rejections, each of which ends a process that does not listen for them. */
  uncaught: number
  /** How often each error arrived, by name and code. */
  errors: Record<string, number>
  /** What became of the long statement, in the scenario that has one. */
  longStatement: LongStatement | null
}

/** A statement that took its time after the fault: what has healed must let it. */
export type LongStatement =
  | { outcome: 'completed' | 'hung'; ms: number }
  | { outcome: 'failed'; ms: number; error: string }
  /** Nobody was served again, so there was no connection for it. */
  | { outcome: 'not begun' }
