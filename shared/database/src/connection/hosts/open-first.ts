import { ConnectError, deferred } from '@shared/pool'
import type { OpenOptions, SqlConnection } from '../sql-connection.ts'
import { type Host, hostName } from '../target.ts'

export interface OpenFirstOptions extends OpenOptions {
  /** In the order in which they are tried. */
  hosts: readonly Host[]
  open: (options: OpenOptions) => Promise<SqlConnection>
  /** Why a server is not to be used, to be read after its name; null when it is. */
  mismatch: (connection: SqlConnection) => string | null
  /** Called where one was taken while others were under way; settles when nothing is left of them. */
  onRest?: (rest: Promise<unknown>) => void
}

// As long as a name's addresses have before the next is tried beside it: RFC 8305, "Connection Attempt Delay".
const headStartMs = 250

/**
 * Opens a connection to the first of several hosts that is suitable. The next one is tried as soon as one has failed or is the
 * wrong kind, and beside one that has not answered within a head start: a host that swallows packets holds up nobody.
 *
 * @throws {ConnectError} naming every host and why it was not taken.
 */
export async function openFirst({
  hosts,
  open,
  mismatch,
  timeoutMs,
  signal,
  onLost,
  onRest,
}: OpenFirstOptions): Promise<SqlConnection> {
  const { promise, resolve, reject } = deferred<SqlConnection>()
  const enough = new AbortController()
  const attemptSignal = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal
  const deadline = performance.now() + timeoutMs
  const failures: HostFailure[] = []
  const queue = [...hosts]
  const underWay = new Set<Promise<void>>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let taken: SqlConnection | null = null

  const next = (): void => {
    clearTimeout(timer)
    const host = queue.shift()
    if (!host || taken) return
    const attempt = tryHost(host).finally(() => {
      underWay.delete(attempt)
      if (taken) return
      if (queue.length > 0 && !signal?.aborted) next()
      else if (underWay.size === 0) reject(nobody(hosts, failures))
    })
    underWay.add(attempt)
    if (queue.length > 0) timer = setTimeout(next, headStartMs)
  }

  const tryHost = async (host: Host): Promise<void> => {
    try {
      const leftMs = Math.max(1, deadline - performance.now())
      const connection = await open({ host, timeoutMs: leftMs, signal: attemptSignal, onLost })
      const reason = mismatch(connection)
      if (reason === null && taken === null) {
        taken = connection
        resolve(connection)
        enough.abort(new Error('Another host was taken.'))
        return
      }
      await connection.destroy()
      if (reason !== null) failures.push({ host, reason })
    } catch (error) {
      failures.push({ host, error })
    }
  }

  next()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    const rest = Promise.all(underWay)
    // Who has given it up learns by this when nothing is left of it.
    if (!taken) await rest
    else if (underWay.size > 0) onRest?.(rest)
  }
}

/** Why a host was not taken: a server of the wrong kind, or none that could be used. */
type HostFailure = { readonly host: Host } & ({ readonly reason: string } | { readonly error: unknown })

function nobody(hosts: readonly Host[], failures: readonly HostFailure[]): ConnectError {
  const [only] = failures
  if (hosts.length === 1 && only && 'error' in only && only.error instanceof ConnectError) return only.error
  const errors = failures.flatMap((failure) => ('error' in failure ? [failure.error] : []))
  const found = failures.map(
    (failure) => `${hostName(failure.host)} ${'reason' in failure ? failure.reason : said(failure.error)}`,
  )
  // While one of them is there and only of the wrong kind, waiting helps: it may become the right one.
  const isHopeless =
    errors.length === failures.length &&
    errors.every((error) => error instanceof ConnectError && !error.retryable)
  const [sample] = errors
  return new ConnectError(`None of the hosts can be used: ${found.join('; ')}.`, {
    cause: errors.length > 0 ? new AggregateError(errors, 'Why each host was not taken.') : undefined,
    sqlState: isHopeless && sample instanceof ConnectError ? sample.sqlState : null,
    driverCode: 'NO_SUITABLE_HOST',
    retryable: !isHopeless,
    worthWaiting: failures.length > errors.length,
  })
}

function said(error: unknown): string {
  if (!(error instanceof ConnectError)) return 'could not be used'
  return `could not be connected to (${error.sqlState ?? error.driverCode ?? 'no answer'})`
}
