import { heapStats } from 'bun:jsc'
import { ConnectError } from '../src/errors.ts'
import { createFakePool, settle } from './fake-pool.ts'
import { createVirtualTime } from './virtual-time.ts'

/** What is in the heap once all garbage is gone. */
export interface Heap {
  bytes: number
  objects: Record<string, number>
}

/** Collects garbage until no more goes away. */
export async function measureHeap(): Promise<Heap> {
  let bytes = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < 10; pass++) {
    await settle()
    Bun.gc(true)
    const { heapSize } = heapStats()
    if (heapSize >= bytes) break
    bytes = heapSize
  }
  const { heapSize, objectTypeCounts } = heapStats()
  return { bytes: heapSize, objects: objectTypeCounts }
}

const callers = 64

/**
 * Callers on a pool of fake connections that ping at every checkout, in a time of its own. Of the checkouts some are
 * aborted or run out of time; of the connections some die in use, hang, or fail to connect, to answer or to be reset.
 */
export function createFaultLoad(seed: number) {
  const random = mulberry32(seed)
  const chance = (probability: number): boolean => random() < probability
  const fake = createFakePool({ poolSize: 8, maxOverflow: 4, prePingIdleMs: 0, recycleMs: 2_000 }, random)
  const { pool, clock, connections, events, control } = fake
  const time = createVirtualTime(clock)
  const ends: Record<string, number> = {}
  const hang = (ms: number) =>
    new Promise<void>((_, reject) => time.after(ms, () => reject(new ConnectError('silent'))))
  const maybeFail = async (probability: number): Promise<void> => {
    if (chance(probability)) throw new ConnectError('failed')
    if (chance(probability / 10)) await hang(20)
  }
  control.connect = async (make) => {
    await maybeFail(0.1)
    const connection = make()
    connection.onPing = () => maybeFail(0.01)
    connection.onReset = () => maybeFail(0.02)
    return connection
  }

  async function once(): Promise<void> {
    const abort = chance(0.03) ? new AbortController() : null
    if (abort) time.after(Math.floor(random() * 4), () => abort.abort())
    const options = { timeoutMs: chance(0.02) ? 1 : 5_000, signal: abort?.signal }
    if (chance(0.5)) {
      const slot = pool.tryShare() ?? (await pool.share(options))
      await settle()
      if (chance(0.005)) slot.connection?.lose()
      slot.end()
    } else {
      const lease = await pool.checkout(options)
      if (chance(0.5)) await settle()
      if (chance(0.005)) lease.connection.lose()
      if (chance(0.005)) lease.connection.inFlight = 1
      await lease.checkin({ reset: chance(0.5) ? 'discard' : 'none' })
    }
  }

  /** Makes that many checkouts, and lets time pass until all have ended. */
  async function run(checkouts: number): Promise<void> {
    let left = checkouts
    let running = callers
    const caller = async (): Promise<void> => {
      while (left-- > 0) {
        const end = await once().then(
          () => 'served',
          (error: { code?: string }) => error.code ?? String(error),
        )
        ends[end] = (ends[end] ?? 0) + 1
      }
      running--
    }
    for (let i = 0; i < callers; i++) void caller()
    while (running > 0) await time.pass(1, settle)
    // What was begun for callers that have gone ends too.
    await time.pass(2_000, settle)
    connections.length = 0
    events.length = 0
  }

  async function close(): Promise<void> {
    const closing = pool.close({ timeoutMs: 100 })
    await settle()
    await time.pass(5_000, settle)
    await closing
  }

  return {
    pool,
    run,
    close,
    /** How many checkouts ended how: served, or the code of their error. */
    ends,
    get timers() {
      return time.active
    },
    [Symbol.dispose]: () => time[Symbol.dispose](),
  }
}

/** Random numbers from 0 to 1, the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
