import type { MonitorReport, Sample } from './monitor-report.ts'

/** How a service is, as far as can be told from outside; `unknown`: nothing is known yet, or it tells strangers nothing. */
export type ServiceStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unreachable' | 'unknown'

/** The reason of a service that has not been asked yet. */
export const asking = 'Asking …'

/** What is known of one service. */
export interface ServiceView {
  readonly name: string
  readonly url: string
  /** Paths of its pages that a browser may open without a token. */
  readonly pages: readonly string[]
  readonly status: ServiceStatus
  /** One sentence that says why it is not healthy; empty when it is. */
  readonly reason: string
  /** What it said last; null while it does not answer. */
  readonly report: Omit<MonitorReport, 'samples'> | null
  /** Oldest first. */
  readonly samples: readonly Sample[]
}

/** One message to a browser. */
export interface Update {
  /** Epoch ms. */
  readonly at: number
  /** Whether these are all services there are. */
  readonly complete: boolean
  /** Whether the samples are all there are, to replace those before; else they come after them. */
  readonly whole: boolean
  readonly services: readonly ServiceView[]
}
