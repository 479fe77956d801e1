import { sql } from 'drizzle-orm'
import type { TransactionOf } from '../../src/index.ts'
import { type Act, type Caller, mustBe } from './caller.ts'
import { type Phase, Undo } from './outcomes.ts'
import { pairs, singles } from './stage.ts'
import type { Plain } from './world.ts'

type Tx = TransactionOf<Plain>

/** A transaction that writes two rows in two tables, with `between` between them. */
const transaction =
  (label: string, between: (caller: Caller, tx: Tx, id: string) => Promise<void>): Act =>
  (caller) => {
    const { database, ledger } = caller.world
    const claim = ledger.claim(label, 2)
    let phase: Phase = 'in-transaction'
    const body = async (tx: Tx): Promise<void> => {
      phase = 'in-transaction'
      ledger.statements += 2
      await tx.insert(singles).values({ id: claim.id, part: 1 })
      await between(caller, tx, claim.id)
      await tx.insert(pairs).values({ id: claim.id, part: 2 })
      phase = 'committing'
    }
    const run = caller.random.weighted<() => Promise<void>>([
      [3, () => database.db.transaction(body)],
      [1, () => database.db.transaction(body, { isolationLevel: 'serializable' })],
      [2, () => database.transaction(body)],
      [1, () => database.transaction(body, { retries: 1, timeoutMs: caller.random.int(5, 200) })],
    ])
    return caller.attempt(label, () => caller.bounded(run), { claim, phase: () => phase })
  }

const pair = transaction('a transaction', async (caller, tx) => {
  await caller.hesitate()
  const own = caller.nonce()
  mustBe(await caller.ask(tx, sql`select ${own}::text as nonce`), [{ nonce: own }])
})

/** What is undone in a savepoint is not there, whatever becomes of the rest. */
const savepoint = transaction('a transaction with a savepoint', async (caller, tx, id) => {
  try {
    await tx.transaction(async (inner) => {
      caller.world.ledger.statements += 3
      await inner.insert(pairs).values({ id, part: 99 })
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
})

const undone = transaction('a transaction that is undone', async (caller) => {
  await caller.hesitate()
  throw new Undo()
})

/** A mark of the transaction: its own statements see it, and nobody after it. */
const localMark = transaction('a transaction with a setting', async (caller, tx, id) => {
  await caller.ask(tx, sql`select set_config('chaos.mark', ${id}, true)`)
  await caller.hesitate()
  mustBe(await caller.ask(tx, sql`select current_setting('chaos.mark', true) as mark`), [{ mark: id }])
})

/** Takes a second connection while it holds one: served, or refused as a deadlock, never stuck. */
const nested: Act = (caller) =>
  caller.attempt(
    'a statement beside its own transaction',
    () =>
      caller.world.database.db.transaction(async (tx) => {
        const own = caller.nonce()
        await caller.ask(tx, sql`select 1`)
        const rows = await caller.ask(caller.world.database.db, sql`select ${own}::text as nonce`)
        mustBe(rows, [{ nonce: own }])
      }),
    { phase: () => 'in-transaction' },
  )

/** Transactions, each as often as its weight says. */
export const transactions: readonly (readonly [weight: number, act: Act])[] = [
  [5, pair],
  [1, savepoint],
  [2, undone],
  [1, localMark],
  [0.3, nested],
]
