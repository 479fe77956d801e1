import { eq, sql } from 'drizzle-orm'
import { type ConformanceCase, createGate, failure } from '../case.ts'
import { accounts, groups, people } from '../schema.ts'

const settings = sql`select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as read_only, current_setting('transaction_deferrable') as deferrable`

export const isolationCases: ConformanceCase[] = [
  {
    name: 'a transaction without a config has the server’s defaults',
    run: (db) => db.transaction((tx) => tx.execute(settings)),
  },
  ...(['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const).map(
    (isolationLevel): ConformanceCase => ({
      name: `isolation level ${isolationLevel} is set`,
      run: async (db) => [
        await db.transaction((tx) => tx.execute(settings), { isolationLevel }),
        await db.execute(settings),
      ],
    }),
  ),
  ...(['read only', 'read write'] as const).map(
    (accessMode): ConformanceCase => ({
      name: `access mode ${accessMode} is set`,
      run: async (db) => [
        await db.transaction((tx) => tx.execute(settings), { accessMode }),
        await db.execute(settings),
      ],
    }),
  ),
  {
    name: 'modes set by two statements one after the other are both set',
    run: (db) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`set transaction isolation level serializable`)
        await tx.execute(sql`set transaction read only`)
        return tx.execute(settings)
      }),
  },
  {
    name: 'a snapshot that another transaction exports is taken over',
    severalConnections: true,
    run: (db, { ddl }) =>
      db.transaction(
        async (exporter) => {
          const [exported] = await exporter.execute<{ id: string }>(sql`select pg_export_snapshot() as id`)
          await ddl(`insert into groups (name) values ('later')`)
          const take = sql.raw(`set transaction snapshot '${exported?.id}'`)
          const counted = db.transaction(
            async (tx) => {
              await tx.execute(take)
              return tx.$count(groups)
            },
            { isolationLevel: 'repeatable read' },
          )
          return [await counted, await db.$count(groups)]
        },
        { isolationLevel: 'repeatable read' },
      ),
  },
  {
    name: 'deferrable and not deferrable are set together with the rest',
    run: async (db) => [
      await db.transaction((tx) => tx.execute(settings), {
        isolationLevel: 'serializable',
        accessMode: 'read only',
        deferrable: true,
      }),
      await db.transaction((tx) => tx.execute(settings), {
        isolationLevel: 'serializable',
        accessMode: 'read write',
        deferrable: false,
      }),
      await db.transaction((tx) => tx.execute(settings), { deferrable: true }),
    ],
  },
  {
    name: 'writing in a read only transaction fails and the next transaction may write',
    run: async (db, { observe }) => [
      await failure(
        db.transaction((tx) => tx.insert(groups).values({ name: 'x' }), { accessMode: 'read only' }),
      ),
      await db.transaction((tx) => tx.insert(groups).values({ name: 'y' }).returning({ name: groups.name })),
      await observe('select name from groups order by id'),
    ],
  },
  {
    name: 'repeatable read keeps its snapshot while another transaction commits',
    severalConnections: true,
    run: (db) =>
      db.transaction(
        async (tx) => {
          const before = await tx.select().from(accounts).orderBy(accounts.id)
          await db.transaction((other) => other.update(accounts).set({ amount: 77 }))
          return [
            before,
            await tx.select().from(accounts).orderBy(accounts.id),
            await db.select().from(accounts).orderBy(accounts.id),
          ]
        },
        { isolationLevel: 'repeatable read' },
      ),
  },
  {
    name: 'read committed sees what another transaction commits meanwhile',
    severalConnections: true,
    run: (db) =>
      db.transaction(async (tx) => {
        const before = await tx.select().from(accounts).orderBy(accounts.id)
        await db.update(accounts).set({ amount: 77 })
        return [before, await tx.select().from(accounts).orderBy(accounts.id)]
      }),
  },
  {
    name: 'a waiting writer goes on after the other transaction commits',
    severalConnections: true,
    run: async (db) => {
      const locked = createGate()
      const first = db.transaction(async (tx) => {
        await tx
          .update(accounts)
          .set({ amount: sql`${accounts.amount} * 2` })
          .where(eq(accounts.id, 1))
        locked.open()
        await tx.execute(sql`select pg_sleep(0.02)`)
      })
      await locked.opened
      const second = await db
        .update(accounts)
        .set({ amount: sql`${accounts.amount} + 1` })
        .where(eq(accounts.id, 1))
        .returning()
      await first
      return second
    },
  },
  {
    name: 'set local and temporary tables end with their transaction',
    run: async (db) => [
      await db.transaction(async (tx) => {
        await tx.execute(sql`set local time zone 'Asia/Tokyo'`)
        await tx.execute(sql`create temporary table notes on commit drop as select 1 as n`)
        return [
          await tx.execute(sql`select n, current_setting('TimeZone') as zone from notes`),
          await tx.select({ at: people.createdAt }).from(people).limit(1),
        ]
      }),
      await db.execute(sql`select current_setting('TimeZone') as zone, to_regclass('notes') as notes`),
    ],
  },
  {
    name: 'a cursor declared in a transaction is fetched from',
    run: (db) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`declare c cursor for select id from people order by id`)
        return [
          await tx.execute(sql`fetch 2 from c`),
          await tx.execute(sql`fetch 2 from c`),
          await tx.execute(sql`move 1 in c`),
          await tx.execute(sql`fetch 1 from c`),
        ]
      }),
  },
]
