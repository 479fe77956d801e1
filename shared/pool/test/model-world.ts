import { ConnectError, type DatabaseError } from '../src/errors.ts'
import type { ExclusiveLease } from '../src/lease.ts'
import { type PoolOptions, resolvePoolOptions } from '../src/pool-options.ts'
import type { LeaseKind } from '../src/slot.ts'
import {
  connectTimeoutMs,
  createFakePool,
  deferred,
  type FakeConnection,
  type FakeShare,
  settle,
} from './fake-pool.ts'
import { type Member, Oracle } from './model-oracle.ts'
import type { Manner, Step } from './model-steps.ts'
import { createVirtualTime } from './virtual-time.ts'

/** Something the server has not answered yet. */
interface Silence {
  readonly member: Member | null
  end(manner: Manner): void
}

/** A pool, its callers and its server, in a time of their own, watched by the oracle. */
export function createWorld(options: Partial<PoolOptions>) {
  const { pool, clock, control } = createFakePool(options)
  const time = createVirtualTime(clock)
  const resolved = resolvePoolOptions(options)
  const oracle = new Oracle(resolved, clock)
  const leases: { lease: ExclusiveLease<FakeConnection>; member: Member }[] = []
  const shares: { lease: FakeShare; member: Member }[] = []
  const silences = new Set<Silence>()
  const unsettled = new Set<Promise<unknown>>()
  const failures: unknown[] = []
  const manners = {
    connect: 'answers' as Manner,
    ping: 'answers' as Manner,
    deaf: false,
    slowCloses: false,
  }

  /** Watches a promise the pool handed out; what its ends find wrong is thrown at the next check. */
  function watch<T>(promise: Promise<T>, kept: (value: T) => void, broken: (error: unknown) => void): void {
    const watched = promise.then(kept, broken).catch((error: unknown) => failures.push(error))
    unsettled.add(watched)
    void watched.then(() => unsettled.delete(watched))
  }

  /** Answers in the given manner; silence ends at `timeoutMs` at the latest, or when the signal fires. */
  function answer(
    manner: Manner,
    timeoutMs: number,
    member: Member | null,
    signal?: AbortSignal,
  ): Promise<void> {
    const ending = deferred()
    const silence: Silence = {
      member,
      end(how) {
        if (!silences.delete(silence)) return
        if (how === 'answers') ending.resolve()
        else ending.reject(new ConnectError(how, { retryable: how !== 'refuses' }))
      },
    }
    silences.add(silence)
    signal?.addEventListener('abort', () => silence.end('fails'), { once: true })
    if (manner === 'hangs') time.after(timeoutMs, () => silence.end('fails'))
    else silence.end(manner)
    return ending.promise
  }

  async function errand(member: Member, what: 'ping' | 'reset', manner: Manner): Promise<void> {
    member.errand = what
    try {
      await answer(manner, resolved.prePingTimeoutMs, member)
    } finally {
      member.errand = null
    }
  }

  function prepare(member: Member): void {
    const { connection } = member
    connection.onPing = async () => {
      oracle.expected.pings++
      const startedAt = clock.now
      try {
        await errand(member, 'ping', manners.ping)
      } catch (error) {
        oracle.pingFailed(member, startedAt)
        throw error
      }
    }
    Object.defineProperty(connection, 'closing', { get: () => letGo(member) })
  }

  async function letGo(member: Member): Promise<void> {
    member.isClosing = true
    await (manners.slowCloses && new Promise<void>((resolve) => time.after(700, resolve)))
    member.isClosing = false
  }

  control.connect = async (make, signal) => {
    const attempt = oracle.attempt()
    const { startedAt } = attempt
    signal.addEventListener('abort', () => oracle.abort(attempt), { once: true })
    try {
      await answer(manners.connect, connectTimeoutMs, null, manners.deaf ? undefined : signal)
    } catch (error) {
      oracle.connectFailed(attempt)
      throw error
    }
    const connection = make()
    const fresh = {
      exclusive: false,
      shares: 0,
      alone: false,
      busySince: 0,
      errand: null,
      lost: false,
      isClosing: false,
    }
    const member: Member = { connection, startedAt, ...fresh }
    prepare(member)
    oracle.members.push(member)
    oracle.connected(attempt)
    return connection
  }

  function call(kind: LeaseKind, timeoutMs: number): void {
    const caller = oracle.call(kind, timeoutMs)
    const how = { timeoutMs, signal: caller.abort.signal }
    const broken = (error: unknown) => oracle.reject(caller, (error as DatabaseError).code)
    if (kind === 'exclusive') {
      const kept = (lease: ExclusiveLease<FakeConnection>) =>
        leases.push({ lease, member: oracle.serve(kind, lease.connection, caller) })
      watch(pool.checkout(how), kept, broken)
    } else {
      const kept = (lease: FakeShare) =>
        shares.push({ lease, member: oracle.serve(kind, lease.connection, caller) })
      watch(pool.share(how, kind), kept, broken)
    }
  }

  function checkin({ at, reset, manner, twice, busy }: Extract<Step, { do: 'checkin' }>): void {
    const held = take(leases, at)
    if (!held) return
    const { lease, member } = held
    member.exclusive = false
    member.connection.inFlight = busy ? 1 : 0
    member.connection.onReset = () => errand(member, 'reset', manner)
    const back = lease.checkin({ reset })
    watch(back, noop, (error) => failures.push(error))
    if (twice && lease.checkin() !== back) failures.push(new Error('a second checkin is not the first'))
  }

  function kill(what: Extract<Step, { do: 'kill' }>['what'], at: number): void {
    const isIt = ({ errand, exclusive, shares }: Member): boolean => {
      if (what === 'ping' || what === 'reset') return errand === what
      return !errand && (exclusive || shares > 0) === (what === 'held')
    }
    const member = pick(oracle.live.filter(isIt), at)
    if (!member) return
    oracle.lose(member)
    member.connection.lose(new Error('lost'))
    for (const silence of silences) if (silence.member === member) silence.end('fails')
  }

  function close(timeoutMs: number): void {
    oracle.close(timeoutMs)
    const closed = () => {
      if (time.active > 0) throw new Error(`${time.active} timers are left of a closed pool`)
    }
    watch(pool.close({ timeoutMs }), closed, (error) => failures.push(error))
  }

  async function check(): Promise<void> {
    await settle()
    if (failures.length > 0) throw failures[0]
    oracle.check(pool.status())
  }

  async function perform(step: Step): Promise<void> {
    if (step.do === 'checkout') call('exclusive', step.timeoutMs)
    else if (step.do === 'share') call(step.kind, step.timeoutMs)
    else if (step.do === 'tryCheckout') {
      const lease = pool.tryCheckout()
      if (lease) leases.push({ lease, member: oracle.serve('exclusive', lease.connection) })
    } else if (step.do === 'tryShare') {
      const lease = pool.tryShare(undefined, step.kind)
      if (lease) shares.push({ lease, member: oracle.serve(step.kind, lease.connection) })
    } else if (step.do === 'checkin') checkin(step)
    else if (step.do === 'unshare') {
      const held = take(shares, step.at)
      if (!held) return
      held.member.shares--
      held.member.busySince = clock.now
      held.lease.end()
    } else if (step.do === 'abort') pick(oracle.waiting, step.at)?.abort.abort()
    else if (step.do === 'replace')
      pick(oracle.live, step.at, (member) => (member.connection.shouldReplace = true))
    else if (step.do === 'speak')
      pick(leases, step.at, ({ member }) => (member.connection.spokeAt = clock.now))
    else if (step.do === 'kill') kill(step.what, step.at)
    else if (step.do === 'invalidate') {
      oracle.invalidate()
      pool.invalidate()
    } else if (step.do === 'allow') {
      oracle.allow(step.count)
      pool.allow(step.count)
    } else if (step.do === 'pass') await time.pass(step.ms, check)
    else if (step.do === 'connects') Object.assign(manners, { connect: step.manner, deaf: step.deaf })
    else if (step.do === 'pings') manners.ping = step.manner
    else if (step.do === 'closes') manners.slowCloses = step.slow
    else if (step.do === 'answer') pick([...silences], step.at)?.end(step.manner)
    else if (step.do === 'close') close(step.timeoutMs)
    await check()
  }

  /** Closes the pool and sees that nothing of it is left. */
  async function end(): Promise<void> {
    close(50)
    await check()
    await time.pass(100, check)
    // The server answers when nobody waits any more.
    for (const silence of silences) silence.end('answers')
    await time.pass(20_000, check)
    const { total, waiting } = pool.status()
    const left = { total, waiting, unsettled: unsettled.size, timers: time.active }
    if (Object.values(left).some((count) => count > 0)) throw new Error(`Left over: ${JSON.stringify(left)}`)
    const notEnded = oracle.members.filter(({ lost, connection }) => !lost && connection.ended === null)
    if (notEnded.length > 0) throw new Error(`${notEnded.length} connections were never ended`)
  }

  return { perform, end, [Symbol.dispose]: () => time[Symbol.dispose]() }
}

const noop = (): void => {}

function pick<T>(from: readonly T[], at: number, act: (one: T) => unknown = noop): T | undefined {
  const one = from[at % from.length]
  if (one !== undefined) act(one)
  return one
}

function take<T>(from: T[], at: number): T | undefined {
  return from.length > 0 ? from.splice(at % from.length, 1)[0] : undefined
}
