import type { MonitorReport, Sample } from './monitor-report.ts'

/** How a service is, as far as anybody can tell from outside; `unknown`: it runs, but tells strangers nothing. */
export type ServiceStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unreachable' | 'unknown'

/** What is known of one service. */
export interface ServiceView {
  readonly name: string
  readonly url: string
  readonly status: ServiceStatus
  /** One sentence: why it is not healthy, or what it is doing. */
  readonly reason: string
  /** What it said last; null when it never answered or does not answer now. */
  readonly report: Omit<MonitorReport, 'samples'> | null
  /** Oldest first. */
  readonly samples: readonly Sample[]
}

/** One message to a browser: all services, with every sample kept or only those since the message before. */
export interface Update {
  /** Epoch ms. */
  readonly at: number
  readonly services: readonly ServiceView[]
}
