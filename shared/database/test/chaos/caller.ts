import { setTimeout as sleep } from 'node:timers/promises'
import type { SQL } from 'drizzle-orm'
import type { DrizzleDatabase, TransactionOf } from '../../src/index.ts'
import type { Claim } from './ledger.ts'
import { describeError, judge, type Phase, WrongAnswer } from './outcomes.ts'
import type { Random } from './random.ts'
import type { Plain, World } from './world.ts'

export type Handle = DrizzleDatabase<Plain> | TransactionOf<Plain>

/** Something a caller does once; true when it was answered as asked. */
export type Act = (caller: Caller) => Promise<boolean>

interface AttemptOptions {
  /** The write that is made. */
  claim?: Claim
  /** Where the write is now. Default: one statement by itself. */
  phase?: () => Phase
  /** SQLSTATEs that the act itself causes. */
  asked?: readonly string[]
}

/** One of those who use the layer, with draws of its own. */
export class Caller {
  readonly world: World
  readonly random: Random
  readonly #number: number
  #nonces = 0

  constructor(world: World, number: number, random: Random) {
    this.world = world
    this.random = random
    this.#number = number
  }

  /** A text that nobody else uses. */
  nonce(): string {
    return `n${this.#number}-${++this.#nonces}`
  }

  /** Runs an act's calls, and notes how they ended; true when as asked. Never rejects. */
  async attempt(label: string, work: () => Promise<unknown>, options: AttemptOptions = {}): Promise<boolean> {
    const { ledger, plan } = this.world
    const { claim, phase = () => 'single', asked } = options
    const end = ledger.begin(`${label} of caller ${this.#number}`)
    try {
      await work()
      ledger.succeeded++
      if (claim) claim.outcome = 'done'
      return true
    } catch (error) {
      if (error instanceof WrongAnswer) {
        ledger.violated('wrong', `${label}: ${error.message}`)
        if (claim) claim.outcome = 'unknown'
        return false
      }
      const { outcome, kind, isExpected } = judge(error, phase(), plan, asked)
      if (claim) claim.outcome = outcome
      ledger.failed(kind)
      if (!isExpected) ledger.violated('wrong', `${label} failed with ${describeError(error)}`)
      return false
    } finally {
      end()
    }
  }

  /** Runs a statement and returns its rows. */
  async ask(db: Handle, statement: SQL): Promise<Record<string, unknown>[]> {
    this.world.ledger.statements++
    return (await db.execute(statement)) as unknown as Record<string, unknown>[]
  }

  /** Runs work as it is, under a deadline of some milliseconds, or with a signal that fires at some moment. */
  async bounded<T>(work: () => Promise<T>): Promise<T> {
    const { random, world } = this
    const how = random.weighted([
      [8, 'free'],
      [3, 'deadline'],
      [1, 'signal'],
    ] as const)
    if (how === 'free') return await work()
    if (how === 'deadline')
      return await world.database.within(
        { timeoutMs: random.pick([random.int(1, 40), random.int(1, 400)]) },
        work,
      )
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(new Error('the caller left')), random.int(0, 80))
    try {
      return await world.database.within({ signal: controller.signal }, work)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits between two statements, now and then. */
  async hesitate(): Promise<void> {
    if (this.random.chance(0.3)) await sleep(this.random.int(0, 10))
  }
}

/** Fails the act as a wrong answer where the two differ. */
export function mustBe(actual: unknown, expected: unknown): void {
  if (Bun.deepEquals(actual, expected)) return
  throw new WrongAnswer(`expected ${shown(expected)}, got ${shown(actual)}`)
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 160 ? `${text.slice(0, 160)}… (${text.length} characters)` : text
}
