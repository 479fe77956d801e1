import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '../errors.ts'
import { FaultLink, type ProxiedConnection } from './fault-link.ts'

/**
 * What a fault proxy does to connections.
 *
 * `forward`: nothing. `{ delayMs, bytesPerSecond }`: bytes come
 * later (each way), at a lower rate (of each connection, each way), or both. `freezeOld`: connections that exist go silent
 * in both directions (not even an end comes through), new ones are forwarded. `freezeAll`: new ones are silent too. Every
 * other mode lets what a freeze held go on. A mode that is set ends what was done to single connections. `cut`: connections that
 * exist are reset, new ones are forwarded. `refuse`: new ones get ECONNREFUSED, those that exist go on. `acceptThenClose`
 * and `acceptThenMute`: new ones are closed at once, or never answered; those that exist go on.
 */
export type FaultMode =
  | 'forward'
  | 'freezeOld'
  | 'freezeAll'
  | 'cut'
  | 'refuse'
  | 'acceptThenClose'
  | 'acceptThenMute'
  | { delayMs?: number; bytesPerSecond?: number }

/** A TCP proxy on loopback that does to connections what networks and hosts do. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly mode: FaultMode
  /** Connections whose client's side is open now. */
  readonly connections: number
  /** Connections accepted so far, whatever became of them. */
  readonly accepted: number
  /**
   * Round trips so far: times that a client sent something after it had received from the target, the first included. Statements sent
   * before the answer to the one before are one round trip together.
   */
  readonly roundTrips: number
  /** Round trips of each open connection, the oldest connection first. */
  readonly roundTripsEach: readonly number[]
  /** The open connections, the oldest first, to be disturbed each by itself. */
  readonly links: readonly ProxiedConnection[]
  /** Accepts the next connections and never answers them, whatever the mode; those after them are served. */
  muteNext(count: number): void
  /** A URL of the target, led through the proxy. */
  url(urlOfTarget: string): string
  /** Changes what happens, and resolves when it does. Throws when a refused port can't be had again within 5 s. */
  set(mode: FaultMode): Promise<void>
  /** Resets the connections that exist, also while new ones are refused, and returns how many there were. */
  cut(): number
}

const reopenMs = 5_000

/**
 * Starts a fault proxy in mode `forward`; disposing it ends all of its connections.
 *
 * @param options.host An address of this machine. Default 127.0.0.1.
 * @param options.port Default: a free one.
 * @param options.onLink Called with each connection that is led on, before its first byte.
 */
export async function startFaultProxy(options: {
  target: { host: string; port: number }
  host?: string
  port?: number
  onLink?: (link: ProxiedConnection) => void
}): Promise<FaultProxy> {
  const { host = '127.0.0.1' } = options
  const links = new Set<FaultLink>()
  const muted = new Set<Socket>()
  let mode: FaultMode = 'forward'
  let accepted = 0
  let roundTrips = 0
  let muteCount = 0
  let disposed: Promise<void> | null = null

  const flow = () => {
    const { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = typeof mode === 'object' ? mode : {}
    return { delayMs, bytesPerSecond }
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted++
    if (muteCount > 0) {
      muteCount--
      mute(client)
    } else if (mode === 'acceptThenClose') client.on('error', () => {}).destroy()
    else if (mode === 'acceptThenMute') mute(client)
    else {
      const link = new FaultLink(client, options.target, {
        flow,
        onRoundTrip: () => roundTrips++,
      })
      link.closed.then(() => links.delete(link))
      link.frozen = mode === 'freezeAll'
      links.add(link)
      options.onLink?.(link)
    }
  })

  function mute(client: Socket): void {
    muted.add(client)
    client.on('close', () => muted.delete(client)).on('error', () => {})
    client.on('end', () => client.destroy()).resume()
  }

  const openLinks = () => [...links].filter((link) => link.open)
  const countOpen = () => openLinks().length + muted.size

  function cut(): number {
    const open = countOpen()
    for (const link of links) link.cut()
    for (const client of muted) client.resetAndDestroy()
    return open
  }

  const { port } = await listen(server, host, options.port ?? 0)

  /** While the port was free somebody's outgoing connection may have got it: that one's end is waited for. */
  async function reopen(): Promise<void> {
    const deadline = performance.now() + reopenMs
    while (!server.listening) {
      try {
        await listen(server, host, port)
      } catch (error) {
        if (errorCode(error) !== 'EADDRINUSE' || performance.now() > deadline) throw error
        await sleep(20)
      }
    }
  }

  async function dispose(): Promise<void> {
    const sockets = [...links].map((link) => link.closed)
    const clients = [...muted].map((client) => new Promise((resolve) => client.once('close', resolve)))
    if (server.listening) server.close()
    cut()
    await Promise.all([...sockets, ...clients])
  }

  return {
    host,
    port,
    get mode() {
      return mode
    },
    get connections() {
      return countOpen()
    },
    get accepted() {
      return accepted
    },
    get roundTrips() {
      return roundTrips
    },
    get roundTripsEach() {
      return openLinks().map((link) => link.roundTrips)
    },
    get links() {
      return openLinks()
    },
    muteNext(count) {
      muteCount = count
    },
    url(urlOfTarget) {
      const url = new URL(urlOfTarget)
      url.hostname = host
      url.port = String(port)
      return url.href
    },
    async set(next) {
      if (disposed) throw new Error('The fault proxy is disposed already.')
      checkMode(next)
      mode = next
      muteCount = 0
      for (const link of links) link.frozen = next === 'freezeOld' || next === 'freezeAll'
      if (next === 'cut') cut()
      if (next !== 'refuse') await reopen()
      else if (server.listening) server.close()
    },
    cut,
    [Symbol.asyncDispose]() {
      disposed ??= dispose()
      return disposed
    },
  }
}

function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

function checkMode(mode: FaultMode): void {
  if (typeof mode !== 'object') return
  const { delayMs = 0, bytesPerSecond = 1 } = mode
  if (!(delayMs >= 0) || !(bytesPerSecond > 0))
    throw new RangeError(
      `delayMs must be 0 or more and bytesPerSecond above 0, got ${delayMs} and ${bytesPerSecond}.`,
    )
}
