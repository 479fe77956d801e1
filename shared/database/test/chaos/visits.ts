import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { createDatabase, type Database } from '../../src/index.ts'
import { observed } from '../support.ts'
import { checkCounters } from './audit.ts'
import type { Act, Caller } from './caller.ts'
import type { Plain } from './world.ts'

const ping: Act = (caller) => caller.attempt('a ping', () => caller.world.database.ping({ timeoutMs: 500 }))

const observe: Act = (caller) =>
  caller.attempt('a question outside the pool', () => observed(caller.world.database))

const connect: Act = (caller) =>
  caller.attempt('a connect', () =>
    caller.world.database.connect(
      caller.random.chance(0.5) ? { signal: AbortSignal.timeout(caller.random.int(0, 20)) } : {},
    ),
  )

const errands: readonly ((caller: Caller, visitor: Database<Plain>) => Promise<unknown>)[] = [
  (_, visitor) => visitor.connect(),
  (caller, visitor) => visitor.connect({ signal: AbortSignal.timeout(caller.random.int(0, 8)) }),
  (_, visitor) => observed(visitor),
  (caller, visitor) => caller.ask(visitor.db, sql`select 1 as v`),
]

/** A database that is made, used and closed within milliseconds, as a rule while it connects. */
const visit: Act = async (caller) => {
  const { ledger, url } = caller.world
  const { random } = caller
  const visitor = createDatabase<Plain>({
    name: 'chaos visitor',
    url,
    pool: { poolSize: random.int(1, 3), maxOverflow: 0 },
    connection: { connectTimeoutMs: 1_000, stallAfterMs: random.pick([0, 100]) },
  })
  const errand = random.pick(errands)
  const work = caller.attempt("a visitor's errand", () => errand(caller, visitor))
  if (random.chance(0.8)) await sleep(random.int(0, 8))
  const close = caller.attempt("a visitor's close()", () =>
    visitor.close({ timeoutMs: random.pick([1, 20, 1_000]) }),
  )
  const results = await Promise.all([work, close])
  checkCounters(ledger, 'a visitor', visitor)
  return results.every(Boolean)
}

/** What is asked of the layer itself, each as often as its weight says. */
export const visits: readonly (readonly [weight: number, act: Act])[] = [
  [1, ping],
  [0.5, observe],
  [0.3, connect],
  [0.3, visit],
]
