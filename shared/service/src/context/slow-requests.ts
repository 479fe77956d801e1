import { context, createContextKey } from '@opentelemetry/api'
import { channels, type OperationChannels } from '@shared/database'
import { describeSpans, type Operation, type RequestSpan, timeOf } from './request-spans.ts'

/** What is said of a request, of which nothing is text that its client may choose freely. */
export interface RequestNames {
  /** `_OTHER` for one that HTTP does not know. */
  readonly method: string
  /** The pattern of its route, `/products/:id`; null where none matched. */
  readonly route: string | null
  readonly requestId: string | null
  /** Of the trace that it was part of; null outside of one. */
  readonly traceId: string | null
}

/** A request that was slow or failed, and what its time went into. */
export interface SlowRequest extends RequestNames {
  /** When it began, ISO. */
  readonly at: string
  readonly status: number
  /** In ms. */
  readonly durationMs: number
  /** In order of time. */
  readonly spans: readonly RequestSpan[]
  /** Statements, transactions and connects that are left out, as there were more than 40: the shortest ones. */
  readonly omitted: number
}

/** Keeps the last requests that were slow or failed. */
export interface SlowRequests {
  /** From how many ms on a request is slow. */
  readonly slowMs: number
  /**
   * Runs a request, and keeps what its database work took where it is slow or answered with 5xx.
   *
   * @param run Answers it and resolves to the status; one that rejects counts as 500.
   * @param namesOf Asked after that, of a request that is kept.
   */
  follow(run: () => Promise<number>, namesOf: () => RequestNames): Promise<void>
  /** Newest first. */
  list(): SlowRequest[]
  stop(): void
}

const mostSlow = 20
/** Those that failed at once: a flood of them must not push the slow ones out. */
const mostFailed = 10
const mostOperations = 40

/**
 * Keeps the last 20 requests that took `slowMs` or longer, and the last 10 others that were answered with 5xx.
 *
 * Operations are found by the context of OpenTelemetry's API that each request runs in: without a context manager, which `serve`
 * provides, requests are kept without spans. Until a request is over a reference to each message is all that is kept of it.
 */
export function createSlowRequests(slowMs: number): SlowRequests {
  const key = createContextKey('operations of the request')
  const slow: SlowRequest[] = []
  const failed: SlowRequest[] = []

  const note = (operation: Operation): void => {
    ;(context.active().getValue(key) as Operations | undefined)?.add(operation)
  }
  const stops = [
    onEnd(channels.statement, (message) => note({ kind: 'statement', message })),
    onEnd(channels.transaction, (message) => note({ kind: 'transaction', message })),
    onEnd(channels.connect, (message) => note({ kind: 'connect', message })),
  ]

  function keep(request: SlowRequest): void {
    const [list, most] = request.durationMs >= slowMs ? [slow, mostSlow] : [failed, mostFailed]
    list.push(request)
    if (list.length > most) list.shift()
  }

  return {
    slowMs,
    async follow(run, namesOf) {
      const startedAt = performance.now()
      const at = Date.now()
      const operations = new Operations()
      let status = 500
      try {
        status = await context.with(context.active().setValue(key, operations), run)
      } finally {
        const durationMs = performance.now() - startedAt
        if (durationMs >= slowMs || status >= 500)
          keep({
            at: new Date(at).toISOString(),
            ...namesOf(),
            status,
            durationMs: Math.round(durationMs * 10) / 10,
            spans: describeSpans(operations.longest(), startedAt),
            omitted: operations.omitted,
          })
      }
    },
    // Of two that began in the same ms the one that was kept later comes first.
    list: () =>
      [...slow, ...failed].reverse().sort((one, other) => Date.parse(other.at) - Date.parse(one.at)),
    stop() {
      for (const stop of stops.splice(0)) stop()
    },
  }
}

/** The operations of one request: the longest, where there are more than is shown. */
class Operations {
  omitted = 0
  readonly #kept: Operation[] = []

  add(operation: Operation): void {
    this.#kept.push(operation)
    // Twice as many are let in, so that they are not sorted for each one.
    if (this.#kept.length >= 2 * mostOperations) this.#omitShortest()
  }

  longest(): readonly Operation[] {
    this.#omitShortest()
    return this.#kept
  }

  #omitShortest(): void {
    if (this.#kept.length <= mostOperations) return
    this.#kept.sort((one, other) => timeOf(other) - timeOf(one))
    this.omitted += this.#kept.length - mostOperations
    this.#kept.length = mostOperations
  }
}

function onEnd<M>({ asyncEnd }: OperationChannels<M>, ended: (message: M) => void): () => void {
  const listener = (message: M): void => ended(message)
  asyncEnd.subscribe(listener)
  return () => asyncEnd.unsubscribe(listener)
}
