import { sql } from 'drizzle-orm'
import { type Act, mustBe } from './caller.ts'

/** A session of one's own: clean when it comes, the same one throughout, and what is set stays until it is given back. */
const marked: Act = (caller) =>
  caller.attempt(
    'a session with a mark',
    () =>
      caller.bounded(() =>
        caller.world.database.use(async ({ db, pid }) => {
          const mark = caller.nonce()
          const look = () =>
            caller.ask(
              db,
              sql`select pg_backend_pid() as pid, coalesce(current_setting('chaos.mark', true), '') as mark`,
            )
          mustBe(await look(), [{ pid, mark: '' }])
          await caller.ask(db, sql`select set_config('chaos.mark', ${mark}, false)`)
          for (let n = caller.random.int(1, 3); n > 0; n--) {
            await caller.hesitate()
            mustBe(await look(), [{ pid, mark }])
          }
        }),
      ),
    { phase: () => 'in-transaction' },
  )

const temporary: Act = (caller) =>
  caller.attempt(
    'a temporary table',
    () =>
      caller.world.database.use(async ({ db }) => {
        const own = caller.nonce()
        mustBe(await caller.ask(db, sql`select to_regclass('pg_temp.own_things') is null as gone`), [
          { gone: true },
        ])
        await caller.ask(db, sql`create temporary table own_things as select ${own}::text as nonce`)
        mustBe(await caller.ask(db, sql`select nonce from own_things`), [{ nonce: own }])
      }),
    { phase: () => 'in-transaction' },
  )

/** The server keeps no more statements prepared than the option allows. */
const prepared: Act = (caller) =>
  caller.attempt(
    'a count of prepared statements',
    () =>
      caller.world.database.db.transaction(async (tx) => {
        const { maxPreparedStatements = 256 } = caller.world.plan.connection
        const [row] = await caller.ask(tx, sql`select count(*)::int as count from pg_prepared_statements`)
        mustBe(Number(row?.count) <= maxPreparedStatements || row?.count, true)
      }),
    { phase: () => 'in-transaction' },
  )

/** What needs a session, which a pooler in transaction mode does not give; each as often as its weight says. */
export const sessions: readonly (readonly [weight: number, act: Act])[] = [
  [2, marked],
  [0.5, temporary],
  [0.5, prepared],
]
