import { ConfigurationError, shownValue } from '@shared/pool'

/**
 * A notice of the server's about a statement of a caller: WARNING, NOTICE, INFO … What it says is the user's own text.
 *
 * @see PostgreSQL, "Error and Notice Message Fields"
 */
export interface Notice {
  readonly severity: string
  /** SQLSTATE. */
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  readonly where?: string
  readonly schema_name?: string
  readonly table_name?: string
  readonly column_name?: string
  readonly constraint_name?: string
  readonly routine?: string
}

export type OnNotice = (notice: Notice) => unknown

/**
 * Calls a listener that can break nothing: what it throws, and what it promises and breaks, ends here.
 *
 * @throws {ConfigurationError} for a listener that is no function.
 */
export function guarded(onNotice: OnNotice | undefined): ((notice: Notice) => void) | undefined {
  if (onNotice === undefined) return undefined
  if (typeof onNotice !== 'function')
    throw new ConfigurationError(`Option onNotice must be a function, got ${shownValue(onNotice)}.`)
  return (notice) => {
    try {
      const answer = onNotice(notice)
      if (answer instanceof Promise) answer.catch(() => {})
    } catch {
      // It is the listener's own affair.
    }
  }
}
