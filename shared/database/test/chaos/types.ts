import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { Caller } from './caller.ts'
import { describeError, judge } from './outcomes.ts'
import type { Random } from './random.ts'
import { pause, type World } from './world.ts'

/** A change elsewhere is noticed within this; what is written in between may be refused, or stored as the old type has it. */
const noticedWithinMs = 2_000

/** A column whose type goes to and fro, with a value for each. */
interface TypeCase {
  readonly name: string
  readonly types: readonly [from: string, to: string]
  readonly values: readonly [from: string, to: string]
}

const cases: readonly TypeCase[] = [
  {
    name: 'instant',
    types: ['timestamp', 'timestamptz'],
    values: ['2022-01-01 00:00:00', '2022-01-01 00:00:00-02'],
  },
  { name: 'day', types: ['date', 'timestamp'], values: ['2022-01-01', '2022-01-01 10:20:30'] },
  { name: 'moment', types: ['date', 'timestamptz'], values: ['2022-01-01', '2022-01-01 10:20:30-02'] },
  { name: 'hour', types: ['time', 'timetz'], values: ['10:20:30', '10:20:30+05'] },
  { name: 'measure', types: ['float4', 'float8'], values: ['0.5', '0.1234567890123'] },
  { name: 'amount', types: ['float8', 'numeric'], values: ['0.5', '0.12345678901234567890123'] },
  { name: 'code', types: ['char(5)', 'text'], values: ['ab', 'ab   '] },
  { name: 'count', types: ['int4', 'int8'], values: ['5', '5000000000'] },
  { name: 'price', types: ['int4', 'numeric'], values: ['5', '1.25'] },
  { name: 'label', types: ['int4', 'text'], values: ['5', 'five'] },
  { name: 'key', types: ['int4', 'uuid'], values: ['5', '6f9619ff-8b86-d011-b42d-00cf4fc964ff'] },
  { name: 'host', types: ['inet', 'text'], values: ['10.0.0.1', 'db.example'] },
]
const moods = [
  ['happy', 'sad'],
  ['happy', 'calm'],
] as const
const mood: TypeCase = { name: 'mood', types: ['mood', 'mood'], values: ['sad', 'calm'] }

interface Column {
  readonly kind: TypeCase
  /** Which of its two types it has. */
  side: 0 | 1
  /** Changes begun. */
  changes: number
  /** When the last one was committed; Infinity while one is under way. */
  changedAt: number
}

/** Columns whose types change while callers write through them, compared with what stock Drizzle writes at that moment. */
export class TypeChanges {
  readonly #world: World
  readonly #columns: readonly Column[]
  readonly #stock: postgres.Sql
  #rows = 0

  /** @param adminUrl For the writes that ours are compared with. */
  constructor(world: World, adminUrl: string) {
    this.#world = world
    this.#columns = [...cases, mood].map((kind) => ({ kind, side: 0, changes: 0, changedAt: 0 }))
    this.#stock = postgres(adminUrl, { max: 4, onnotice: () => {} })
  }

  async prepare(): Promise<void> {
    await this.#world.admin.unsafe(makeMood(0))
    for (const { kind } of this.#columns)
      await this.#world.admin.unsafe(
        `create table typed_${kind.name} (id text not null, v ${kind.types[0]}); grant all on typed_${kind.name} to public`,
      )
  }

  /** Changes the types of some columns, again and again, until the load stops. */
  async run(random: Random): Promise<void> {
    const { stopping, ledger } = this.#world
    while (true) {
      await pause(noticedWithinMs + 700, stopping)
      if (stopping.aborted) return
      const changing = this.#columns.filter(() => random.chance(0.6))
      ledger.faults += changing.length
      ledger.happened(`types change: ${changing.map(({ kind }) => kind.name).join(', ')}`)
      for (const column of changing) await this.#change(column)
    }
  }

  /** Writes one value through the layer and, if no change was near, compares what is stored with stock's; true when written. */
  async write(caller: Caller): Promise<boolean> {
    const column = caller.random.pick(this.#columns)
    const { name, values } = column.kind
    const [id, value, changes, startedAt] = [
      `t${++this.#rows}`,
      values[column.side],
      column.changes,
      performance.now(),
    ]
    const isSettled = () =>
      column.changes === changes && (changes === 0 || startedAt - column.changedAt > noticedWithinMs)
    const statement = (suffix: string): SQL =>
      sql`insert into ${sql.identifier(`typed_${name}`)} (id, v) values (${id + suffix}, ${value})`
    const { ledger, database, plan } = this.#world
    const run = caller.random.weighted<() => Promise<unknown>>([
      [5, () => caller.ask(database.db, statement(''))],
      [2, () => database.db.transaction((tx) => caller.ask(tx, statement('')))],
    ])
    const end = ledger.begin(`a write of ${name}`)
    try {
      await run()
    } catch (error) {
      const { kind, isExpected } = judge(error, 'single', plan)
      ledger.failed(kind)
      if (!isExpected && isSettled())
        ledger.violated('wrong', `a write of ${describeChange(column)}: ${describeError(error)}`)
      return false
    } finally {
      end()
    }
    ledger.succeeded++
    await drizzle({ client: this.#stock })
      .execute(statement('/stock'))
      .catch(() => {})
    const table = this.#stock(`typed_${name}`)
    const [row] = await this.#stock<{ ours: string | null; stock: string | null }[]>`
      select (select v::text from ${table} where id = ${id}) as ours,
        (select v::text from ${table} where id = ${`${id}/stock`}) as stock`
    if (isSettled() && row?.ours !== row?.stock)
      ledger.violated('wrong', `a write of ${describeChange(column)}: ${row?.ours}, stock ${row?.stock}`)
    return true
  }

  async close(): Promise<void> {
    await this.#stock.end({ timeout: 1 })
  }

  async #change(column: Column): Promise<void> {
    const { name, types } = column.kind
    const side = column.side === 0 ? 1 : 0
    column.changes++
    column.changedAt = Number.POSITIVE_INFINITY
    await this.#world.admin.begin(async (tx) => {
      await tx.unsafe(`truncate typed_${name}`)
      if (column.kind === mood) {
        await tx.unsafe(`alter table typed_mood alter column v type text; drop type mood; ${makeMood(side)}`)
        await tx.unsafe('alter table typed_mood alter column v type mood using v::mood')
      } else
        await tx.unsafe(
          `alter table typed_${name} alter column v type ${types[side]} using null::${types[side]}`,
        )
    })
    column.side = side
    column.changedAt = performance.now()
  }
}

const makeMood = (side: 0 | 1): string => `create type mood as enum (${moods[side].map((m) => `'${m}'`)})`

const describeChange = ({ kind, side, changes }: Column): string =>
  changes === 0 ? kind.types[0] : `${kind.types[1 - side]} that became ${kind.types[side]}`
