import type { CallSite } from '@shared/pool'
import type { CallSites } from './call-sites.ts'
import { limitText } from './limit-text.ts'
import type { StatementMessage } from './statement-message.ts'

/** What becomes of statements that take long. */
export interface SlowQueries {
  readonly sites: CallSites
  /** Called with each that is over, and where it came from. */
  over(message: StatementMessage, site: CallSite): void
}

/**
 * Reports the statements that took the server `slowQueryMs` or longer.
 *
 * @param report Gets a sentence: how long it ran and waited, its rows, its place in the program, its text without constants.
 */
export function createSlowQueries(
  slowQueryMs: number,
  sites: CallSites,
  report: (error: unknown, detail: string) => void,
): SlowQueries {
  return {
    sites,
    over(message, site) {
      const { durationMs, waitMs, rows, text, error } = message
      if (durationMs === null || durationMs < slowQueryMs) return
      const place = sites.describe(site)
      const parts = [
        `ran ${Math.round(durationMs)} ms`,
        `waited ${Math.round(waitMs ?? 0)} ms`,
        ...(rows === null ? [] : [`${rows} rows`]),
        ...(place === null ? [] : [`at ${place}`]),
      ]
      report(error, `${parts.join(', ')}: ${limitText(text)}`)
    },
  }
}
