import { explain, statusOf } from './explain.ts'
import { readMonitor, type Target } from './read-monitor.ts'
import { asking, type ServiceView } from './wire.ts'

/** Follows one service by asking it again and again. */
export interface Observer {
  readonly target: Target
  /** What is known, with every sample kept. */
  view(): ServiceView
  /** Asks the service; returns what changed: its samples are new ones, or all where `whole`. Never throws. */
  poll(): Promise<{ view: ServiceView; whole: boolean }>
  /** Forgets everything. */
  reset(): void
}

/** As many as a service keeps: ten minutes. */
const keptSamples = 600

/** Creates an observer; asks nothing yet. @param options.timeoutMs Longest time for an answer. Default 2000. */
export function createObserver(
  target: Target,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Observer {
  const { timeoutMs = 2_000, signal } = options
  const { name, url } = target
  const nothing: ServiceView = {
    name,
    url,
    pages: pagesOf(target, 'unknown'),
    status: 'unknown',
    reason: asking,
    report: null,
    samples: [],
  }
  let view = nothing
  return {
    target,
    view: () => view,
    async poll() {
      const since = view.samples.at(-1)?.at
      const answer = await readMonitor(target, { since, timeoutMs, signal })
      if (!answer.ok) {
        const { status, reason } = answer
        view = { ...view, pages: pagesOf(target, status), status, reason, report: null }
        return { view: { ...view, samples: [] }, whole: false }
      }
      const { samples, ...report } = answer.body
      // A clock that was set back would hide every sample to come.
      const whole = since === undefined || report.at < since
      view = {
        name,
        url,
        pages: pagesOf(target, report.status),
        status: statusOf(report),
        reason: explain(report),
        report,
        samples: [...(whole ? [] : view.samples), ...samples].slice(-keptSamples),
      }
      return { view: { ...view, samples }, whole }
    },
    reset() {
      view = nothing
    },
  }
}

/** What a service guards by a token, or shows nobody, opens for no browser. */
function pagesOf({ token }: Target, status: ServiceView['status']): readonly string[] {
  return token === undefined && status !== 'unknown' ? ['/docs', '/health/detailed', '/metrics'] : ['/health']
}
