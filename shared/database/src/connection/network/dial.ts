import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { deferred } from '@shared/pool'
import { type Host, isSocketName } from '../host.ts'

/** Where one socket leads. */
export type Address = { readonly ip: string; readonly port: number } | { readonly path: string }

/** A socket that has connected. */
export interface Dialled {
  readonly socket: Socket
  readonly address: Address
  /** How long the way there and back took. */
  readonly roundTripMs: number
}

/** The addresses of a name, in the order in which they should be tried. */
export type LookUp = (name: string) => Promise<readonly string[]>

/** What dialling needs of the network. */
export interface Network {
  readonly lookUp: LookUp
  /** Begins to connect. */
  readonly connect: (address: Address) => Socket
}

/** One attempt to connect to a host. */
export interface Dial {
  /** Rejects when every address has failed, with their codes as `code` and `tried`, or when it was aborted. */
  readonly opened: Promise<Dialled>
  /** Each address that was tried so far, and what became of it: `10.0.0.1 (ECONNREFUSED)`. */
  tried(): readonly string[]
  /** Gives it up: nothing of it is left. */
  abort(): void
}

// What RFC 8305 calls the connection attempt delay, at the value that it recommends.
const headStartMs = 250

/**
 * Connects to a host: looks its name up, each time anew, and tries its addresses as RFC 8305 has it. The families take turns, each
 * address has a head start of 250 ms before the next, which begins at once where it fails; the first that connects is kept.
 *
 * @param place A host, or the very address that another connection leads to.
 */
export function dial(place: Host | Address, network: Network = realNetwork): Dial {
  const attempts: Attempt[] = []
  const { promise: opened, resolve, reject } = deferred<Dialled>()
  let waiting: readonly Address[] = []
  let headStart: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  /** Ends all attempts but for one. */
  function end(winner?: Attempt): void {
    isOver = true
    clearTimeout(headStart)
    for (const attempt of attempts) if (attempt !== winner) attempt.socket.destroy()
  }

  function fail(error: unknown): void {
    end()
    reject(error)
  }

  function startNext(): void {
    const [address, ...others] = waiting
    clearTimeout(headStart)
    if (isOver || !address) return
    waiting = others
    const socket = network.connect(address)
    const attempt: Attempt = { address, socket, code: null, isConnected: false }
    const startedAt = performance.now()
    attempts.push(attempt)
    socket.once('connect', () => {
      if (isOver) return
      attempt.isConnected = true
      end(attempt)
      resolve({ socket, address, roundTripMs: performance.now() - startedAt })
    })
    // Also for those that are given up: an error without a listener ends the process.
    socket.on('error', (error: Error & { code?: string }) => {
      attempt.code ??= error.code ?? error.name
      if (isOver) return
      if (waiting.length > 0) startNext()
      else if (attempts.every(({ code }) => code !== null)) fail(allFailed(attempts))
    })
    if (waiting.length > 0) headStart = setTimeout(startNext, headStartMs)
  }

  resolveAddresses(place, network.lookUp).then((addresses) => {
    waiting = addresses
    startNext()
  }, fail)
  // Who gives it up need not wait for it.
  opened.catch(() => {})
  return { opened, tried: () => attempts.map(outcomeOf), abort: () => fail(givenUp()) }
}

interface Attempt {
  readonly address: Address
  readonly socket: Socket
  /** Why it failed; null while it has not. */
  code: string | null
  isConnected: boolean
}

const outcomeOf = ({ address, code, isConnected }: Attempt): string =>
  `${addressName(address)} (${isConnected ? 'connected' : (code ?? 'no answer')})`

/** An address as errors name it. */
export const addressName = (address: Address): string =>
  'path' in address ? address.path.replace('\0', '@') : address.ip

async function resolveAddresses(place: Host | Address, lookUp: LookUp): Promise<readonly Address[]> {
  if (!('name' in place)) return [place]
  const { name, port, address } = place
  if (isSocketName(name)) return [{ path: `${name.replace(/^@/, '\0')}/.s.PGSQL.${port}` }]
  const ip = address ?? (isIP(name) === 0 ? undefined : name)
  const ips = ip === undefined ? interleaved(await lookUp(name)) : [ip]
  return ips.map((one) => ({ ip: one, port }))
}

export const realNetwork: Network = {
  /** Not cached, by Bun neither: a name that leads elsewhere is followed by the next connect. */
  async lookUp(name) {
    const found = await lookup(name, { all: true, order: 'verbatim' })
    return found.map(({ address }) => address)
  },
  connect: (address) => connect('path' in address ? address : { host: address.ip, port: address.port }),
}

/** Families take turns, beginning with that of the first; within one the order stays. */
function interleaved(ips: readonly string[]): readonly string[] {
  const [first, second] = [4, 6].map((family) => ips.filter((ip) => isIP(ip) === family)) as [
    string[],
    string[],
  ]
  const [ahead, behind] = ips[0] === first[0] ? [first, second] : [second, first]
  return Array.from({ length: Math.max(ahead.length, behind.length) }, (_, index) => [
    ahead[index],
    behind[index],
  ])
    .flat()
    .filter((ip) => ip !== undefined)
}

function allFailed(attempts: readonly Attempt[]): Error {
  const codes = attempts.map(({ code }) => code)
  // An address that this machine has no way to says less than a server that refuses.
  const code = codes.find((one) => one === 'ECONNREFUSED') ?? codes[0]
  const tried = attempts.map(outcomeOf).join(', ')
  return Object.assign(new Error(`No address could be connected to: ${tried}.`), { code })
}

/** What an attempt that was aborted ends with. */
export const givenUp = (): Error =>
  Object.assign(new Error('The connection was given up.'), { code: 'CONNECTION_DESTROYED' })
