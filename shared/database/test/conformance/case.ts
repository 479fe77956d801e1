import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Notice, TypeCodecs } from '../../src/index.ts'
import { printed } from '../printed.ts'

/** What a case may use of a handle: what a user of stock `drizzle-orm/postgres-js` has. */
export type Handle = PostgresJsDatabase & { $client: unknown }

/** How a handle of a case's own is made: the options of `createDatabase()`, and what stock calls the same. */
export interface HandleConfig {
  /** What `drizzle()` takes beside client and model. */
  readonly drizzle?: object
  /** What sessions begin with: `connection.settings`; of a postgres.js client `connection`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly types?: TypeCodecs
  readonly onNotice?: (notice: Notice) => unknown
}

/** Ways of a case around the handle under test, for the same side. */
export interface Tools {
  /** Runs statements on the harness's own connection, which is no part of the handle. */
  readonly ddl: (text: string) => Promise<void>
  /** Rows as another session sees them now, on the harness's own connection. */
  readonly observe: (text: string) => Promise<readonly Record<string, unknown>[]>
  /** Lends a handle of another configuration to the same database for the time of `use`. */
  readonly open: <T>(config: HandleConfig, use: (db: Handle) => Promise<T>) => Promise<T>
}

/** One comparison: what `run` resolves to must be the same over every handle. */
export interface ConformanceCase {
  /** A sentence that is true of both handles. */
  readonly name: string
  /**
   * Starts from `resetWorld` with an empty schema `scratch`. A rejection is never the expected outcome:
   * a failure to be compared is caught with `failure` or `outcome` and returned.
   */
  readonly run: (db: Handle, tools: Tools) => Promise<unknown>
  /** Needs more than one connection at a time, so it can't run on a single leased one. */
  readonly severalConnections?: true
}

/** A value or the error in its place, where a case doesn't know which one the server gives. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/** Settles to a value or to the error it rejected with, so that either can be compared. */
export async function outcome<T>(work: PromiseLike<T> | (() => PromiseLike<T>)): Promise<Outcome<T>> {
  try {
    return { value: await (typeof work === 'function' ? work() : work) }
  } catch (error) {
    return { error }
  }
}

/**
 * The error `work` rejects with.
 *
 * @throws {Error} `work` succeeded, so the case would compare nothing.
 */
export async function failure(work: PromiseLike<unknown> | (() => PromiseLike<unknown>)): Promise<unknown> {
  const settled = await outcome(work)
  if ('error' in settled) return settled.error
  throw new Error(`Expected a failure, got ${printed(settled.value)}`)
}

/** A point that one party waits at until another opens it. */
export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
