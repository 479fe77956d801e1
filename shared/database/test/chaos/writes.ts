import { type SQL, sql } from 'drizzle-orm'
import { type Act, type Caller, mustBe } from './caller.ts'
import { singles } from './stage.ts'

/** One statement that writes `rows` rows under an id of its own. */
const write =
  (label: string, run: (caller: Caller, id: string, rows: number) => Promise<unknown>, most = 1): Act =>
  (caller) => {
    const rows = caller.random.int(1, most)
    const claim = caller.world.ledger.claim(label, rows)
    return caller.attempt(label, () => caller.bounded(() => run(caller, claim.id, rows)), { claim })
  }

const insert = write('an insert', async (caller, id) => {
  caller.world.ledger.statements++
  await caller.world.database.db.insert(singles).values({ id })
})

const insertReturning = write('an insert with returning', async (caller, id) => {
  caller.world.ledger.statements++
  mustBe(await caller.world.database.db.insert(singles).values({ id }).returning(), [{ id, part: 1 }])
})

const insertSlowly = write('a slow insert', (caller, id) =>
  caller.ask(
    caller.world.database.db,
    sql`insert into singles (id) select ${id} from pg_sleep(${caller.random.next() * 0.03})`,
  ),
)

const insertMany = write(
  'an insert of many rows',
  (caller, id, rows) =>
    caller.ask(
      caller.world.database.db,
      sql`insert into singles (id, part) select ${id}, g from generate_series(1, ${rows}::int) g`,
    ),
  200,
)

/** Functions that write, called as one would read: what repeats reads must not take them for some. */
const call = (label: string, statement: (id: string, seconds: number) => SQL): Act =>
  write(label, async (caller, id) => {
    const seconds = caller.random.next() * 0.05
    mustBe(await caller.ask(caller.world.database.db, statement(id, seconds)), [{ id }])
  })

const calls: readonly Act[] = [
  call('a function that writes', (id) => sql`select put(${id}) as id`),
  call('a slow function that writes', (id, s) => sql`select put_slowly(${id}, ${s}) as id`),
  call(
    'a function that writes, in from',
    (id, s) => sql`select id from (select * from put_slowly(${id}, ${s})) as made(id)`,
  ),
  call(
    'a function that writes, in with',
    (id, s) => sql`with made as (select put_slowly(${id}, ${s}) as id) select id from made`,
  ),
]

/** A write that the server refuses: it must be reported, and must not be there. */
const refused =
  (label: string, state: string, statement: (id: string) => SQL): Act =>
  (caller) => {
    const claim = caller.world.ledger.claim(label, 1)
    return caller.attempt(
      label,
      async () => {
        await caller.ask(caller.world.database.db, statement(claim.id))
        mustBe('an answer', 'an error')
      },
      { claim, asked: [state] },
    )
  }

const failing = refused(
  'an insert that fails',
  '22012',
  (id) => sql`insert into singles (id) select ${id} where 1 / ${0}::int = 1`,
)

/** Its answer comes before its error: what is done is known only when the server is ready for the next statement. */
const failingAtCommit = refused(
  'an insert that fails at COMMIT',
  '23514',
  (id) => sql`insert into singles (id, part) values (${id}, -1)`,
)

/** Writes of one statement, each as often as its weight says. */
export const writes: readonly (readonly [weight: number, act: Act])[] = [
  [4, insert],
  [2, insertReturning],
  [5, insertSlowly],
  [1, insertMany],
  ...calls.map((act) => [2.5, act] as const),
  [0.5, failing],
  [0.5, failingAtCommit],
]
