import type { SharedLease } from '../src/lease.ts'
import { type PoolOptions, type ResetMode, resolvePoolOptions } from '../src/pool-options.ts'
import { QueuePool } from '../src/queue-pool.ts'
import type { PoolConnection } from '../src/slot.ts'

/** A connection that does what the test says. */
export class FakeConnection implements PoolConnection {
  readonly id: number
  inFlight = 0
  shouldReplace = false
  sharable = true
  spokeAt: number
  /** What the next ping does; default: answer. */
  onPing: () => Promise<void> = async () => {}
  onReset: (how: ResetMode) => Promise<void> = async () => {}
  /** What `close()` waits for; default: nothing. */
  closing: Promise<void> = Promise.resolve()
  pings = 0
  resets: ResetMode[] = []
  ended: 'closed' | 'destroyed' | null = null
  readonly lose: (cause?: unknown) => void
  readonly #clock: Clock

  constructor(id: number, clock: Clock, lose: (cause?: unknown) => void) {
    this.id = id
    this.#clock = clock
    this.spokeAt = clock.now
    this.lose = lose
  }

  async ping(): Promise<void> {
    this.pings++
    await this.onPing()
    this.spokeAt = this.#clock.now
  }

  async reset(how: ResetMode): Promise<void> {
    this.resets.push(how)
    await this.onReset(how)
  }

  close(): Promise<void> {
    this.ended = 'closed'
    return this.closing
  }

  async destroy(): Promise<void> {
    this.ended = 'destroyed'
  }
}

/** Longest time for an attempt to connect in a fake pool. */
export const connectTimeoutMs = 3_000

export interface Clock {
  now: number
}

/**
 * A pool over fake connections, on a clock that only the test moves. `connect` is called for each attempt; by default it
 * succeeds at once.
 */
export function createFakePool(
  options: Partial<PoolOptions> = {},
  random: () => number = () => 0,
  onShort: () => void = () => {},
) {
  const clock: Clock = { now: 1_000 }
  const connections: FakeConnection[] = []
  const events: string[] = []
  const control = {
    attempts: 0,
    connect: async (make: () => FakeConnection, _signal: AbortSignal): Promise<FakeConnection> => make(),
  }
  const pool = new QueuePool<FakeConnection>({
    name: 'fake',
    pool: resolvePoolOptions({ poolSize: 2, maxOverflow: 1, checkoutTimeoutMs: 5_000, ...options }),
    connectTimeoutMs,
    now: () => clock.now,
    random,
    onEvent: (type) => events.push(type),
    onShort,
    connect: ({ signal, onLost }) => {
      control.attempts++
      return control.connect(() => {
        const connection = new FakeConnection(connections.length + 1, clock, (cause) => onLost(cause))
        connections.push(connection)
        return connection
      }, signal)
    },
  })
  return { pool, clock, connections, events, control }
}

/** Lets the fake clock go with the real one, for what only the engine's own timers can show. */
export function runClock(clock: Clock): void {
  const offset = clock.now - performance.now()
  Object.defineProperty(clock, 'now', { get: () => performance.now() + offset })
}

/** Leases `count` connections at once. */
export function checkoutMany(pool: QueuePool<FakeConnection>, count: number) {
  return Promise.all(Array.from({ length: count }, () => pool.checkout()))
}

/** The state that most tests assert, as SQLAlchemy's tests have it. */
export function stateOf(pool: QueuePool<FakeConnection>) {
  const { total, idle, checkedOut, overflow, connecting, waiting } = pool.status()
  return { total, idle, checkedOut, overflow, connecting, waiting }
}

/** Lets everything that is already settled run on, and timers that have fired and let the event loop read its sockets. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A promise and its ends. Node 20 has no Promise.withResolvers. */
export function deferred<T = void>(): PromiseWithResolvers<T> {
  const ends = {} as PromiseWithResolvers<T>
  ends.promise = new Promise<T>((resolve, reject) => Object.assign(ends, { resolve, reject }))
  return ends
}

export type FakeShare = SharedLease<FakeConnection>
