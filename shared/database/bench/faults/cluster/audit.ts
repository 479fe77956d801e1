import type { LoadResult } from './messages.ts'

/** What callers were told of their writes, compared with what the primary has at the end. */
export interface Audit {
  /** Answered, and not there. */
  readonly lost: number
  /** There more than once. */
  readonly twice: number
  /** Said not to have happened, and there. */
  readonly wrong: number
}

/** @param ids Of the rows that are there. */
export function audit(claims: LoadResult['claims'], ids: readonly number[]): Audit {
  const there = new Set(ids)
  return {
    lost: claims.done.filter((id) => !there.has(id)).length,
    twice: ids.length - there.size,
    wrong: claims.absent.filter((id) => there.has(id)).length,
  }
}
