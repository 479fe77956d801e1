import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../load.ts'
import { type Claim, claimOf } from './claim.ts'
import type { LoadResult } from './messages.ts'
import type { Peer } from './peers.ts'
import { schedule } from './schedule.ts'

interface Call {
  readonly startedAt: number
  readonly giveUp: () => void
}

const hung = Symbol('hung')
const sweepMs = 10

/** Twenty callers that write and read what they have written, and what becomes of it. */
export class Load {
  readonly #peer: Peer
  readonly #calls = new Set<Call>()
  readonly #count = { ok: 0, failed: 0, hung: 0, longestMs: 0, stale: 0, uncaught: 0 }
  readonly #errors: Record<string, number> = {}
  readonly #claims: Record<Claim, number[]> = { done: [], absent: [], unknown: [] }
  /** Callers whose write and read have both succeeded since all was over. */
  readonly #served = new Set<number>()
  readonly #callers: Promise<void>[]
  readonly #sweep: ReturnType<typeof setInterval>
  #ids = 0
  #isStopped = false
  #markedAt = Number.POSITIVE_INFINITY
  #promotedAt: number | null = null
  #overAt = Number.POSITIVE_INFINITY
  #writtenAt = 0
  /** The longest time without a write that succeeded. */
  #gap = { ms: 0, endedAt: 0 }

  constructor(peer: Peer) {
    this.#peer = peer
    this.#sweep = setInterval(() => this.#giveUpOld(), sweepMs)
    this.#callers = Array.from({ length: schedule.callers }, (_, caller) => this.#run(caller))
  }

  get ok(): number {
    return this.#count.ok
  }

  /** Whether every caller has written and read since all was over. */
  get allServed(): boolean {
    return this.#served.size === schedule.callers
  }

  /** The fault is about to happen. */
  mark(): void {
    this.#markedAt = performance.now()
  }

  /** There is a primary again. */
  promoted(): void {
    this.#promotedAt = performance.now()
  }

  /** Nothing more will happen. */
  over(): void {
    this.#overAt = performance.now()
  }

  countUncaught(error: unknown): void {
    this.#count.uncaught++
    this.#countError('uncaught', error)
  }

  /** Ends the callers after their calls under way, those that hang after `hungMs` at the latest. */
  async stop(): Promise<LoadResult> {
    this.#isStopped = true
    const isServed = this.allServed
    if (!isServed) this.#noteGap(performance.now())
    await Promise.all(this.#callers)
    clearInterval(this.#sweep)
    const { ms, endedAt } = this.#gap
    return {
      ...this.#count,
      gapMs: ms,
      gapAfterPromotionMs:
        this.#promotedAt === null ? null : Math.max(0, Math.min(ms, endedAt - this.#promotedAt)),
      isServed,
      errors: this.#errors,
      claims: this.#claims,
    }
  }

  async #run(caller: number): Promise<void> {
    while (!this.#isStopped) {
      const startedAt = performance.now()
      if ((await this.#turn(caller)) && startedAt >= this.#overAt) this.#served.add(caller)
      await sleep(Math.max(0, startedAt + schedule.everyMs - performance.now()))
    }
  }

  /** A write, and a read of it; true when both were answered. */
  #turn(caller: number): Promise<boolean> {
    const id = this.#ids++
    return this.#peer.together(async () => {
      const written = await this.#call(() => this.#peer.write(id, caller), claimOf)
      const claim = typeof written === 'object' ? 'done' : written
      this.#claims[claim].push(id)
      if (claim === 'done') this.#noteWrite()
      const read = await this.#call(() => this.#peer.isThere(id))
      if (typeof read !== 'object') return false
      if (claim === 'done' && !read.answer) this.#count.stale++
      return claim === 'done'
    })
  }

  /** Runs a call and counts how it ends; what it was answered, or what its error says. */
  #call<T>(
    call: () => Promise<T>,
    claim: (error: unknown) => 'absent' | 'unknown' = () => 'unknown',
  ): Promise<{ answer: T } | 'absent' | 'unknown'> {
    const startedAt = performance.now()
    const { promise, resolve } = Promise.withResolvers<typeof hung>()
    const open: Call = { startedAt, giveUp: () => resolve(hung) }
    this.#calls.add(open)
    const settled = (kind: 'ok' | 'failed' | 'hung') => {
      this.#calls.delete(open)
      this.#count[kind]++
      this.#count.longestMs = Math.max(this.#count.longestMs, performance.now() - startedAt)
    }
    return Promise.race([call(), promise]).then(
      (answer) => {
        settled(answer === hung ? 'hung' : 'ok')
        return answer === hung ? 'unknown' : { answer: answer as T }
      },
      (error: unknown) => {
        settled('failed')
        this.#countError('', error)
        return claim(error)
      },
    )
  }

  #noteWrite(): void {
    const now = performance.now()
    this.#noteGap(now)
    this.#writtenAt = now
  }

  #noteGap(now: number): void {
    const ms = now - this.#writtenAt
    if (now >= this.#markedAt && ms > this.#gap.ms) this.#gap = { ms, endedAt: now }
  }

  #giveUpOld(): void {
    const before = performance.now() - schedule.hungMs
    for (const call of this.#calls) {
      if (call.startedAt > before) break
      call.giveUp()
    }
  }

  #countError(prefix: string, error: unknown): void {
    const key = `${prefix} ${describeError(error)}`.trim()
    this.#errors[key] = (this.#errors[key] ?? 0) + 1
  }
}
