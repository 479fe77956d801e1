import type { ServiceView } from '@shared/console'

/** The numbers of one service for people and programs; null where they are not known. */
export interface StatusSummary extends Omit<ServiceView, 'samples' | 'pages'> {
  /** Of the last ten seconds the worst, in ms. */
  readonly waitP99Ms: number | null
  /** Requests of the last five minutes that were answered with 5xx. */
  readonly failures: number | null
}

const waitSpanMs = 10_000
const failureSpanMs = 300_000

/** Sums up what is known of a service at a time (epoch ms). */
export function summarise({ samples, pages: _, ...view }: ServiceView, now: number): StatusSummary {
  if (view.report === null) return { ...view, waitP99Ms: null, failures: null }
  const waits = samples
    .filter(({ at, waitP99Ms }) => at > now - waitSpanMs && waitP99Ms !== null)
    .map(({ waitP99Ms }) => waitP99Ms ?? 0)
  return {
    ...view,
    waitP99Ms: waits.length === 0 ? null : Math.max(...waits),
    failures: samples
      .filter(({ at }) => at > now - failureSpanMs)
      .reduce((sum, { failures }) => sum + failures, 0),
  }
}
