import { setTimeout as sleep } from 'node:timers/promises'
import type { Monitor } from '@shared/monitor'
import type { ServiceDatabase } from '../context/context.ts'
import type { Lifecycle } from '../context/lifecycle.ts'
import type { Logger } from '../log/logger.ts'
import type { Telemetry } from '../trace/telemetry.ts'

/** What has to be ended, and how long that may take. */
export interface ShutdownOptions {
  server: { stop(closeActiveConnections?: boolean): Promise<void>; pendingRequests: number }
  database: Pick<ServiceDatabase, 'close'>
  monitor: Pick<Monitor, 'stop'>
  telemetry: Telemetry
  lifecycle: Lifecycle
  logger: Logger
  /** All of it together, in ms. */
  timeoutMs: number
  /** How long requests are still accepted after readiness turned 503, in ms; at most a quarter of `timeoutMs`. */
  drainDelayMs: number
}

/** Share of the time that requests may use; the rest is for the database and for cutting off. */
const requestShare = 0.75

/** Longest time in ms that the last spans and metrics may take: a collector that is down must not delay a stop. */
const telemetryMs = 2000

/**
 * Ends a service: readiness 503, a pause for load balancers to notice, no new connections, requests in flight
 * finish, the pool is drained, telemetry is sent.
 *
 * @returns Whether every request could finish. Otherwise their queries were cancelled and their sockets closed.
 */
export async function shutDown(options: ShutdownOptions): Promise<boolean> {
  const { server, database, monitor, telemetry, lifecycle, logger, timeoutMs } = options
  const deadline = performance.now() + timeoutMs
  const remaining = () => Math.max(0, deadline - performance.now())

  lifecycle.drain()
  await sleep(Math.min(options.drainDelayMs, timeoutMs / 4))

  const { stopped } = await closePort(server, lifecycle)
  const finished = (await settlesWithin(stopped, remaining() * requestShare)) || server.pendingRequests === 0
  if (!finished) logger.warn({ requests: server.pendingRequests }, 'requests did not finish in time')

  monitor.stop()
  // Cancelling their queries lets late requests still answer with a 503 before their sockets are closed.
  await database.close({ timeoutMs: finished ? remaining() : 0 })
  if (!finished && !(await settlesWithin(stopped, Math.min(250, remaining())))) await server.stop(true)
  await settlesWithin(telemetry.stop(), Math.min(telemetryMs, remaining() * 0.75))
  return finished
}

/** Longest time in ms that responses are held back before the port closes. */
const holdMs = 100

/** Time in ms without a new request after which no more are expected. */
const quietMs = 10

/** Looks for new requests there are at least: a process that the machine held up has not read those which came meanwhile. */
const fewestTurns = 10

/**
 * Closes the port when no more requests are expected. The kernel resets connections that it has not handed over by then,
 * with the requests on them; and a client that is answered while draining comes back at once, on a new connection. So
 * responses are held back for the few milliseconds in which the connections that wait in the kernel are accepted.
 *
 * @returns In an object, as the end of all requests is not waited for here.
 */
async function closePort(server: ShutdownOptions['server'], lifecycle: Lifecycle) {
  const release = lifecycle.hold()
  const deadline = performance.now() + holdMs
  let [pending, since] = [server.pendingRequests, performance.now()]
  for (
    let turns = 0;
    turns < fewestTurns || performance.now() < Math.min(since + quietMs, deadline);
    turns++
  ) {
    await sleep(1)
    if (server.pendingRequests !== pending) [pending, since] = [server.pendingRequests, performance.now()]
  }
  const stopped = server.stop()
  release()
  return { stopped }
}

async function settlesWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(limitMs, false, { signal: timer.signal }).catch(() => false)
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    timer.abort()
  }
}
