import { ConnectionLostError, findDatabaseError, sqlState } from '../../../src/index.ts'

/** What a caller knows of a write: it is there, it is not, or nobody can say. */
export type Claim = 'done' | 'absent' | 'unknown'

/** What an error of a write says of it. Who gets no more than a lost connection knows nothing. */
export function claimOf(error: unknown): Exclude<Claim, 'done'> {
  const own = findDatabaseError(error)
  if (own instanceof ConnectionLostError) return own.outcome === 'unknown' ? 'unknown' : 'absent'
  if (own) return own.code === 'STATEMENT_TIMEOUT' || own.code === 'WORK_ABORTED' ? 'unknown' : 'absent'
  return sqlState(error) === null ? 'unknown' : 'absent'
}
