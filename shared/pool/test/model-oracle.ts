import type { PoolOptions } from '../src/pool-options.ts'
import type { LeaseKind } from '../src/slot.ts'
import type { PoolStatus } from '../src/status.ts'
import type { Clock, FakeConnection } from './fake-pool.ts'

/** A connection as its holders and its server know it. */
export interface Member {
  readonly connection: FakeConnection
  readonly startedAt: number
  exclusive: boolean
  shares: number
  /** Whether the statement that it runs must be alone. */
  alone: boolean
  busySince: number
  /** What the pool does with it meanwhile; nobody may hold it then. */
  errand: 'ping' | 'reset' | null
  lost: boolean
  /** Whether it is being closed in order. */
  isClosing: boolean
}

/** An attempt to connect that the pool waits for. */
export interface Attempt {
  readonly startedAt: number
}

/** A call of checkout() or share(), numbered in the order of arrival. */
export interface Caller {
  readonly position: number
  readonly kind: LeaseKind
  readonly deadline: number
  readonly abort: AbortController
  state: 'waiting' | 'served' | 'rejected'
}

/** What must be true of a pool, from what its callers and its server see, without knowledge of how it works. */
export class Oracle {
  readonly members: Member[] = []
  readonly callers: Caller[] = []
  readonly attempts = new Set<Attempt>()
  closing = false
  #allowed = Number.POSITIVE_INFINITY
  #cutAt = Number.POSITIVE_INFINITY
  readonly expected = {
    checkouts: 0,
    timeouts: 0,
    cancels: 0,
    saturations: 0,
    connects: 0,
    connectFailures: 0,
    pings: 0,
    pingFailures: 0,
  }
  readonly #options: PoolOptions
  readonly #clock: Clock
  #positions = 0
  #servedSinceCheck: Caller[] = []
  #retiredBefore = Number.NEGATIVE_INFINITY
  /** As it was at the last check: a ping that fails meanwhile says nothing of those served before it. */
  #surelyRetiredBefore = Number.NEGATIVE_INFINITY
  #suspectBefore = Number.NEGATIVE_INFINITY
  #failing = false
  #failedAt = Number.NEGATIVE_INFINITY
  #succeededAt = Number.NEGATIVE_INFINITY
  /** When an attempt last began or ended: the next may have to wait for a pause after it. */
  #pacedAt = Number.NEGATIVE_INFINITY
  #givenUpInARow = 0
  #waitMs = 0
  #pingCloses = 0

  constructor(options: PoolOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  get live(): Member[] {
    return this.members.filter((member) => !member.lost && member.connection.ended === null)
  }

  get waiting(): Caller[] {
    return this.callers.filter(({ state }) => state === 'waiting')
  }

  call(kind: Caller['kind'], timeoutMs: number): Caller {
    const deadline = this.#clock.now + timeoutMs
    const caller: Caller = {
      position: ++this.#positions,
      kind,
      deadline,
      abort: new AbortController(),
      state: 'waiting',
    }
    this.callers.push(caller)
    return caller
  }

  serve(kind: Caller['kind'], connection: FakeConnection | null, caller?: Caller): Member {
    const member = this.members.find((one) => one.connection === connection)
    demand(member, 'a connection that was never made is handed out')
    this.expected.checkouts++
    if (caller) {
      this.#end(caller, 'served')
      this.#servedSinceCheck.push(caller)
    } else demand(this.waiting.length === 0, 'a caller overtakes the queue')
    demand(!member.lost && member.connection.ended === null, 'a connection that has ended is handed out')
    demand(!member.exclusive, 'a connection held exclusively is handed out')
    demand(!member.errand, `a connection is handed out during its ${member.errand}`)
    const { prePing } = this.#options
    const hasJustAnswered = connection?.spokeAt === this.#clock.now
    demand(
      !prePing || member.shares > 0 || hasJustAnswered || !this.#needsPing(member),
      'a silent connection is handed out',
    )
    // An old one too, once: where answers are slow every connection would be too old when it comes.
    const isTooOld = !hasJustAnswered && this.#isOld(member)
    demand(
      !isTooOld && !this.#isReplaced(member, this.#surelyRetiredBefore),
      'a retired connection is handed out',
    )
    if (kind === 'exclusive') {
      demand(member.shares === 0, 'a shared connection is handed out exclusively')
      member.exclusive = true
    } else {
      demand(member.shares < this.#options.sharedDepth, 'a connection is shared beyond its depth')
      demand(member.shares === 0 || !this.#isSuspect(member), 'a connection under suspicion is shared')
      demand(member.shares === 0 || !member.alone, 'a statement is put behind one that must be alone')
      demand(member.shares === 0 || kind === 'shared', 'a statement that must be alone is put behind another')
      if (member.shares++ === 0) member.busySince = this.#clock.now
      member.alone = kind === 'alone'
    }
    return member
  }

  reject(caller: Caller, code: string): void {
    this.#end(caller, 'rejected')
    const { deadline, abort } = caller
    if (code === 'CHECKOUT_ABORTED')
      demand(abort.signal.aborted, 'a caller that did not abort is rejected as aborted')
    else if (code === 'POOL_CLOSED')
      demand(this.closing, 'a caller of an open pool is rejected as if it were closed')
    else if (code === 'CONNECT_FAILED')
      demand(
        this.#clock.now >= deadline || this.#failedAt === this.#clock.now,
        'a connect error out of nowhere',
      )
    else if (code === 'POOL_SATURATED') {
      demand(this.waiting.length >= this.#options.maxWaiting, 'a queue with room refuses a caller')
      demand(
        this.waiting.length > 0 || this.live.every(isBusy),
        'a caller is refused although nobody waits and a connection is idle',
      )
      this.expected.saturations++
    } else {
      demand(code === 'CHECKOUT_TIMEOUT', `an unexpected error: ${code}`)
      demand(this.#clock.now >= deadline, 'a caller is timed out before its deadline')
      this.expected.timeouts++
    }
    if (code === 'CHECKOUT_ABORTED') this.expected.cancels++
  }

  invalidate(before = this.#clock.now): void {
    this.#retiredBefore = Math.max(this.#retiredBefore, before)
    this.#surelyRetiredBefore = this.#retiredBefore
  }

  lose(member: Member): void {
    member.lost = true
    this.#suspectBefore = this.#clock.now
    if (!this.#options.prePing) this.invalidate()
  }

  pingFailed(member: Member, startedAt: number): void {
    this.expected.pingFailures++
    if (!member.lost && member.connection.ended === null) this.#pingCloses++
    if (member.startedAt >= this.#retiredBefore) this.#retiredBefore = startedAt
  }

  close(timeoutMs: number): void {
    if (!this.closing) this.#cutAt = this.#clock.now + Math.max(1, timeoutMs)
    this.closing = true
  }

  allow(count: number): void {
    this.#allowed = count
  }

  attempt(): Attempt {
    demand(
      this.live.length + this.attempts.size + this.#closingCount < this.#limit,
      'an attempt begins without room for it',
    )
    const attempt = { startedAt: this.#clock.now }
    this.attempts.add(attempt)
    this.#pacedAt = this.#clock.now
    return attempt
  }

  connected(attempt: Attempt): void {
    this.expected.connects++
    this.attempts.delete(attempt)
    this.#failing = false
    this.#succeededAt = this.#clock.now
    this.#givenUpInARow = 0
  }

  connectFailed(attempt: Attempt): void {
    if (!this.attempts.delete(attempt) || this.closing) return
    this.#failed(attempt)
    this.#failedAt = this.#clock.now
    this.#givenUpInARow = 0
  }

  /** Nobody waits for the attempt any more: an open pool has given it up. */
  abort(attempt: Attempt): void {
    if (this.closing) return
    const size = this.live.length + this.attempts.size + this.#closingCount
    demand(this.#ageOf(attempt) >= 1_000, 'an attempt is given up that may be about to be answered')
    demand(size >= this.#limit, 'an attempt is given up although there is room for another')
    demand(this.waiting.length > 0, 'an attempt is given up for nobody')
    this.attempts.delete(attempt)
    demand(++this.#givenUpInARow <= 3 || this.attempts.size > 0, 'a slow server is never waited for')
    this.#failed(attempt)
  }

  /** Compares the pool with what it must be, now that nothing is in motion. */
  check(status: PoolStatus): void {
    const busy = this.live.filter(isBusy)
    const idle = this.live.filter((member) => !isBusy(member))
    const now = this.#clock.now
    // At the very moment of the cut both are right.
    const cut = now === this.#cutAt ? status.connecting === 0 : now > this.#cutAt
    const connecting = cut ? 0 : this.attempts.size
    const total = this.live.length + connecting
    const { poolSize, prePing } = this.#options
    same(status, {
      total,
      idle: idle.length,
      checkedOut: busy.length,
      connecting,
      overflow: Math.max(0, total - poolSize),
      waiting: this.waiting.length,
      allowance: this.#limit < this.#most ? this.#limit : undefined,
    })
    same(status.counters, this.expected)
    this.#checkCounters(status)
    const stillClosing = this.closing ? 0 : this.#closingCount
    demand(
      total + stillClosing <= this.#most,
      `${total} connections and ${stillClosing} being closed are over the limit`,
    )
    demand(
      idle.length === 0 || total <= this.#limit,
      'an idle connection is kept that is not allowed any more',
    )
    demand(!this.closing || idle.length === 0, 'a closed pool keeps idle connections')
    // With pre-ping, one that came back for a waiter may stay when that waiter was served otherwise.
    demand(prePing || idle.length <= poolSize, `${idle.length} idle connections are more than are kept`)
    this.#checkQueue(idle, total + stillClosing)
    this.#servedSinceCheck = []
    this.#surelyRetiredBefore = this.#retiredBefore
  }

  get #closingCount(): number {
    return this.members.filter(({ isClosing }) => isClosing).length
  }

  get #limit(): number {
    return Math.min(this.#most, this.#allowed)
  }

  get #most(): number {
    const { poolSize, maxOverflow } = this.#options
    return maxOverflow < 0 ? Number.POSITIVE_INFINITY : poolSize + maxOverflow
  }

  #checkCounters({ counters }: PoolStatus): void {
    const closes = Object.values(counters.closes).reduce((sum, count) => sum + count, 0)
    demand(
      closes === counters.connects - this.live.length,
      `${counters.connects} connects less ${closes} closes are not ${this.live.length} live`,
    )
    same(counters.closes, {
      lost: this.members.filter(({ lost }) => lost).length,
      recycled: counters.recycles,
      'ping-failed': this.#pingCloses,
    })
    demand(counters.waitMs >= this.#waitMs, 'the time waited shrinks')
    this.#waitMs = counters.waitMs
  }

  #checkQueue(idle: readonly Member[], size: number): void {
    const { waiting } = this
    const [head] = waiting
    const served = this.#servedSinceCheck
    for (const caller of served)
      demand(
        !head || caller.position < head.position,
        `caller ${caller.position} is served before caller ${head?.position}`,
      )
    for (const kind of ['exclusive', 'shared', 'alone']) {
      const positions = served.filter((caller) => caller.kind === kind).map(({ position }) => position)
      demand(
        positions.join() === [...positions].sort((a, b) => a - b).join(),
        `served out of order: ${positions}`,
      )
    }
    if (!head) return
    const now = this.#clock.now
    demand(!this.closing, `caller ${head.position} waits at a closed pool`)
    for (const { deadline, abort, position } of waiting) {
      demand(deadline >= now, `caller ${position} waits beyond its deadline`)
      demand(!abort.signal.aborted, `caller ${position} waits although it gave up`)
    }
    demand(
      !idle.some((member) => this.#isFresh(member)),
      `caller ${head.position} waits beside a fresh connection`,
    )
    const pinging = this.live.filter(({ errand }) => errand === 'ping').length
    const silent = [...this.attempts].filter((attempt) => this.#ageOf(attempt) > 1_000).length
    const onTheWay = this.attempts.size - silent + pinging
    // One that is silent may be waited for to its end; every other makes room.
    const mayOpen = size - Math.min(1, Math.max(0, silent - 1)) < this.#limit && now > this.#pacedAt + 501
    demand(
      onTheWay > 0 || (idle.length === 0 && !mayOpen),
      `caller ${head.position} waits and nothing is on its way`,
    )
    if (head.kind !== 'shared' || idle.length > 0) return
    // A single statement may wait for what was begun for it; otherwise it goes behind others once no more are opened.
    const kept = Math.min(this.#options.poolSize, this.#limit)
    const full = this.live.length >= kept ? onTheWay === 0 : this.#failing && pinging === 0
    // Of those that have to leave, the pool chooses which take no more.
    if (size > this.#limit) return
    const free = this.live.some((member) => this.#mayShare(member))
    demand(!full || !free, `caller ${head.position} waits for room on a connection that has some`)
  }

  #failed({ startedAt }: Attempt): void {
    this.expected.connectFailures++
    this.#pacedAt = this.#clock.now
    // One begun before the last success says nothing of what came after it.
    if (startedAt >= this.#succeededAt) this.#failing = true
  }

  #ageOf({ startedAt }: Attempt): number {
    return this.#clock.now - startedAt
  }

  #isRetired(member: Member): boolean {
    return this.#isOld(member) || this.#isReplaced(member, this.#retiredBefore)
  }

  #isOld(member: Member): boolean {
    return this.#clock.now - member.startedAt >= this.#options.recycleMs
  }

  #isReplaced(member: Member, before: number): boolean {
    return member.startedAt < before || member.connection.shouldReplace
  }

  #isFresh(member: Member): boolean {
    return !this.#isRetired(member) && !(this.#options.prePing && this.#needsPing(member))
  }

  #needsPing(member: Member): boolean {
    const silentMs = this.#clock.now - member.connection.spokeAt
    return this.#isSuspect(member) || silentMs >= this.#options.prePingIdleMs
  }

  #isSuspect(member: Member): boolean {
    return member.connection.spokeAt < this.#suspectBefore
  }

  #mayShare(member: Member): boolean {
    const { sharedDepth, slowStatementMs } = this.#options
    if (member.shares === 0 || member.shares >= sharedDepth || member.alone) return false
    if (this.#isSuspect(member)) return false
    return !this.#isRetired(member) && this.#clock.now - member.busySince <= slowStatementMs
  }

  #end(caller: Caller, state: 'served' | 'rejected'): void {
    demand(caller.state === 'waiting', `caller ${caller.position} is answered twice`)
    caller.state = state
    this.callers.splice(this.callers.indexOf(caller), 1)
  }
}

function isBusy({ exclusive, shares, errand }: Member): boolean {
  return exclusive || shares > 0 || errand !== null
}

function demand(condition: unknown, broken: string): asserts condition {
  if (!condition) throw new Error(`Broken: ${broken}.`)
}

function same<T extends object>(actual: T, expected: Partial<T>): void {
  for (const key of Object.keys(expected) as (keyof T & string)[])
    demand(actual[key] === expected[key], `${key} is ${actual[key]}, not ${expected[key]}`)
}
