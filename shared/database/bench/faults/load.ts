import { setTimeout as sleep } from 'node:timers/promises'
import { DrizzleQueryError } from 'drizzle-orm'
import type { LoadResult } from './messages.ts'
import type { Peer } from './peers.ts'
import { schedule } from './schedule.ts'

interface Call {
  readonly startedAt: number
  readonly giveUp: () => void
}

const sweepMs = 10

/** Twenty callers, each with one query after the other, and what becomes of them. */
export class Load {
  readonly #peer: Peer
  readonly #calls = new Set<Call>()
  readonly #count = { ok: 0, failed: 0, hung: 0, inFlight: 0, longestMs: 0, uncaught: 0 }
  readonly #errors: Record<string, number> = {}
  /** When each caller was first served again. */
  readonly #served: number[] = []
  readonly #callers: Promise<void>[]
  readonly #sweep: ReturnType<typeof setInterval>
  #stopped = false
  #markedAt: number | null = null
  #happenedAt: number | null = null

  constructor(peer: Peer) {
    this.#peer = peer
    this.#sweep = setInterval(() => this.#giveUpOld(), sweepMs)
    this.#callers = Array.from({ length: schedule.callers }, (_, caller) => this.#run(caller))
  }

  /** How many calls have come back so far. */
  get ok(): number {
    return this.#count.ok
  }

  /** Whether every caller has had an answer to a call that was started after the fault. */
  get allServed(): boolean {
    return this.#servedCount() === schedule.callers
  }

  /** Whether some caller has had such an answer. */
  get anyServed(): boolean {
    return this.#servedCount() > 0
  }

  /** The fault is about to happen. */
  mark(): void {
    this.#markedAt = performance.now()
    this.#count.inFlight = this.#calls.size
  }

  /** The fault has happened. */
  happened(): void {
    this.#happenedAt = performance.now()
  }

  countUncaught(error: unknown): void {
    this.#count.uncaught++
    this.#countError('uncaught', error)
  }

  /** Ends the callers after their calls under way, those that hang after `hungMs` at the latest. */
  async stop(): Promise<Omit<LoadResult, 'longStatement'>> {
    this.#stopped = true
    await Promise.all(this.#callers)
    clearInterval(this.#sweep)
    const since = (at: number) => at - (this.#markedAt ?? at)
    const served = this.#served.filter((at) => at !== undefined)
    return {
      ...this.#count,
      firstSuccessMs: served.length > 0 ? since(Math.min(...served)) : null,
      allServedMs: this.allServed ? since(Math.max(...served)) : null,
      errors: this.#errors,
    }
  }

  async #run(caller: number): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const n = caller + turn * schedule.callers
      const startedAt = performance.now()
      const outcome = await this.#call(n, startedAt)
      const endedAt = performance.now()
      this.#count[outcome]++
      this.#count.longestMs = Math.max(this.#count.longestMs, endedAt - startedAt)
      if (outcome === 'ok' && this.#happenedAt !== null && startedAt >= this.#happenedAt)
        this.#served[caller] ??= endedAt
      await sleep(Math.max(0, startedAt + schedule.everyMs - endedAt))
    }
  }

  #call(n: number, startedAt: number): Promise<'ok' | 'failed' | 'hung'> {
    return new Promise((resolve) => {
      const call: Call = { startedAt, giveUp: () => resolve('hung') }
      this.#calls.add(call)
      if (this.#faultIsFresh()) this.#count.inFlight = Math.max(this.#count.inFlight, this.#calls.size)
      this.#peer.ask(n).then(
        (answer) => {
          this.#calls.delete(call)
          if (answer !== n) this.#countError('', new Error('wrong answer'))
          resolve(answer === n ? 'ok' : 'failed')
        },
        (error: unknown) => {
          this.#calls.delete(call)
          this.#countError('', error)
          resolve('failed')
        },
      )
    })
  }

  /** From the fault until the first call has felt it, or has come back in spite of it. */
  #faultIsFresh(): boolean {
    const { failed, hung } = this.#count
    return this.#markedAt !== null && failed + hung === 0 && this.#servedCount() === 0
  }

  #giveUpOld(): void {
    const before = performance.now() - schedule.hungMs
    for (const call of this.#calls) {
      if (call.startedAt > before) break
      this.#calls.delete(call)
      call.giveUp()
    }
  }

  #servedCount(): number {
    return this.#served.reduce((count) => count + 1, 0)
  }

  #countError(prefix: string, error: unknown): void {
    const key = `${prefix} ${describeError(error)}`.trim()
    this.#errors[key] = (this.#errors[key] ?? 0) + 1
  }
}

/** An error by name and code, as the peer threw it. */
export function describeError(error: unknown): string {
  let root = error
  while (root instanceof DrizzleQueryError && root.cause) root = root.cause
  const { name, message, code } = root as { name?: string; message?: string; code?: unknown }
  return `${name ?? 'thrown'} ${code ?? message ?? ''}`.trim()
}
