import { sql } from 'drizzle-orm'
import { type Act, mustBe } from './caller.ts'

/** Plain reads beside writes whose deadline passes while they run: nothing is broken, and nobody may wait for a stranger. */
export const read: Act = (caller) => {
  const n = caller.random.int(0, 1_000_000)
  return caller.attempt('a plain read', async () =>
    mustBe(await caller.ask(caller.world.database.db, sql`select ${n}::int as v`), [{ v: n }]),
  )
}

export const write: Act = (caller) => {
  const { database, ledger } = caller.world
  const claim = ledger.claim('a write under a deadline', 1)
  const seconds = caller.random.next() * 0.03
  return caller.attempt(
    'a write under a deadline',
    () =>
      database.within({ timeoutMs: caller.random.int(5, 25) }, () =>
        caller.ask(database.db, sql`insert into singles (id) select ${claim.id} from pg_sleep(${seconds})`),
      ),
    { claim },
  )
}
