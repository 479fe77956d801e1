import { CallSites } from './call-sites.ts'
import { type CommentOptions, createComments } from './comments.ts'
import type { TracedPool } from './messages.ts'
import { createSlowQueries } from './slow-queries.ts'
import { createTracer, type Tracer } from './tracer.ts'

export interface TracingOptions {
  /** Time in ms from which on a statement is reported; 0: none is. */
  slowQueryMs: number
  comments: CommentOptions | undefined
  /** Folders whose code is not the program's. */
  ownFolders: readonly string[]
  /** Called for each slow statement, with what it failed by. */
  onSlow: (error: unknown, detail: string) => void
}

/** What is said of the statements of one database, on all of its pools. */
export interface Tracing {
  tracerOf(pool: TracedPool): Tracer
  /** Where statements are built; null where nobody asks. */
  readonly sites: CallSites | null
}

export function createTracing({ slowQueryMs, comments, ownFolders, onSlow }: TracingOptions): Tracing {
  const sites = slowQueryMs > 0 ? new CallSites(ownFolders) : null
  const slow = sites && createSlowQueries(slowQueryMs, sites, onSlow)
  const commentOf = createComments(comments)
  return { tracerOf: (pool) => createTracer(pool, { slow, commentOf }), sites }
}
