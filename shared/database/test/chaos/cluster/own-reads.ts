import { count, eq, sql } from 'drizzle-orm'
import type { Database } from '../../../src/index.ts'
import { type Act, type Caller, mustBe } from '../caller.ts'
import { singles } from '../stage.ts'
import type { Plain } from '../world.ts'

type Read = (caller: Caller, database: Database<Plain>, id: string) => Promise<unknown>

const reads: readonly (readonly [weight: number, read: Read])[] = [
  [
    4,
    (caller, { reads }, id) =>
      caller.ask(reads, sql`select count(*)::int as n from singles where id = ${id}`),
  ],
  [2, (_, { reads }, id) => reads.select({ n: count() }).from(singles).where(eq(singles.id, id))],
  // On a standby only where that is asked for.
  [2, (_, { db }, id) => db.select({ n: count() }).from(singles).where(eq(singles.id, id))],
  [
    1,
    (caller, { reads }, id) =>
      reads.transaction((tx) => caller.ask(tx, sql`select count(*)::int as n from singles where id = ${id}`)),
  ],
]

const read = (caller: Caller, database: Database<Plain>, id: string, label: string): Promise<boolean> => {
  const ask = caller.random.weighted(reads)
  return caller.attempt(label, () =>
    caller.bounded(async () => mustBe(await ask(caller, database, id), [{ n: 1 }])),
  )
}

/** What a context has written it reads, wherever it reads from; and so does another process that is told. */
const ownWrite: Act = async (caller) => {
  const { database, reader, ledger } = caller.world
  const claim = ledger.claim('a write that is read', 1)
  let isDone = true
  const until = await database.within({}, async () => {
    const insert = sql`insert into singles (id) values (${claim.id})`
    const write = caller.random.weighted<() => Promise<unknown>>([
      [3, () => caller.ask(database.db, insert)],
      [1, () => database.transaction((tx) => caller.ask(tx, insert))],
      [1, () => database.use(({ db }) => caller.ask(db, insert))],
    ])
    if (!(await caller.attempt('a write that is read', () => caller.bounded(write), { claim }))) return null
    for (let times = caller.random.int(1, 3); times > 0; times--) {
      isDone &&= await read(caller, database, claim.id, "a read of a context's own write")
      await caller.hesitate()
    }
    return database.writtenUntil()
  })
  if (!reader || until === null) return isDone
  const isRead = await reader.within({ writtenUntil: until }, () =>
    read(caller, reader, claim.id, 'a read of what another process has written'),
  )
  return isDone && isRead
}

/** A read of nothing that was written: it is answered, by whomever. */
const nonce: Act = (caller) =>
  caller.attempt('a read that any server may answer', () =>
    caller.bounded(async () => {
      const own = caller.nonce()
      mustBe(await caller.ask(caller.world.database.reads, sql`select ${own}::text as nonce`), [
        { nonce: own },
      ])
    }),
  )

/** Reads from standbys, each as often as its weight says. */
export const ownReads: readonly (readonly [weight: number, act: Act])[] = [
  [15, ownWrite],
  [10, nonce],
]
