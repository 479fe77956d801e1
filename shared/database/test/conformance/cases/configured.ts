import { asc, eq, sql } from 'drizzle-orm'
import { Cache } from 'drizzle-orm/cache/core'
import { type ConformanceCase, failure, outcome } from '../case.ts'
import { groups, memberships, people } from '../schema.ts'
import { variant } from '../variant.ts'

type Call = readonly [method: string, ...given: unknown[]]

/** Keeps what it is given, under every key, and notes each call. A method in `broken` fails. */
class NotingCache extends Cache {
  readonly calls: Call[] = []
  readonly #kept = new Map<string, { answer: unknown; tables: readonly string[] }>()
  readonly #strategy: 'explicit' | 'all'
  readonly #broken: readonly string[]

  constructor(strategy: 'explicit' | 'all', ...broken: string[]) {
    super()
    this.#strategy = strategy
    this.#broken = broken
  }

  override strategy(): 'explicit' | 'all' {
    return this.#strategy
  }

  override async get(...given: [key: string, ...unknown[]]): Promise<unknown[] | undefined> {
    this.#note('get', ...given)
    return this.#kept.get(given[0])?.answer as unknown[] | undefined
  }

  override async put(
    ...given: [key: string, answer: unknown, tables: string[], ...unknown[]]
  ): Promise<void> {
    // As it is at that moment, like a cache that writes it down.
    this.#note('put', ...given)
    this.#kept.set(given[0], { answer: structuredClone(Array.from(given[1] as unknown[])), tables: given[2] })
  }

  override async onMutate(given: Parameters<Cache['onMutate']>[0]): Promise<void> {
    this.#note('onMutate', given)
    const tables = [given.tables ?? []].flat().map(String)
    for (const [key, kept] of this.#kept)
      if ([given.tags ?? []].flat().includes(key) || kept.tables.some((table) => tables.includes(table)))
        this.#kept.delete(key)
  }

  #note(...call: Call): void {
    this.calls.push(call)
    if (this.#broken.includes(call[0])) throw new Error(`${call[0]} is broken`)
  }
}

const loggingCase: ConformanceCase = {
  name: 'the option logger sees every query, those of transactions too',
  async run(_db, { open }) {
    const lines: unknown[] = []
    const logger = { logQuery: (text: string, params: unknown[]) => void lines.push([text, [...params]]) }
    await open({ drizzle: { logger } }, async (db) => {
      await db.select().from(people).where(eq(people.name, 'Ada'))
      await db.insert(groups).values({ name: 'logged' }).returning()
      await failure(db.execute(sql`select ${1}::int / 0`))
      await db.transaction(
        async (tx) => {
          await tx
            .select()
            .from(groups)
            .where(eq(groups.id, sql.placeholder('id')))
            .prepare('by_id')
            .execute({ id: 1 })
          await tx.transaction((nested) => nested.$count(groups))
        },
        { isolationLevel: 'serializable' },
      )
      await variant.ask.nameAndPosts(db, 1)
    })
    return lines
  },
}

const cacheCases: ConformanceCase[] = [
  {
    name: 'a cache asked by $withCache() answers until its tables are written to',
    async run(_db, { open, ddl }) {
      const cache = new NotingCache('explicit')
      return await open({ drizzle: { cache } }, async (db) => {
        const ask = () => db.select().from(groups).orderBy(asc(groups.id)).$withCache()
        const answers = [await ask(), await ask()]
        // Behind the cache's back.
        await ddl(`insert into groups (name) values ('unseen')`)
        answers.push(await ask(), await db.select().from(groups).orderBy(asc(groups.id)))
        await db.insert(groups).values({ name: 'seen' })
        answers.push(await ask())
        await db.update(groups).set({ name: 'renamed' }).where(eq(groups.name, 'seen'))
        answers.push(await ask())
        await db.delete(groups).where(eq(groups.name, 'renamed'))
        answers.push(await ask())
        return [answers, cache.calls]
      })
    },
  },
  {
    name: 'a cache by tags is invalidated by $cache.invalidate(), and by writes only where it is asked to be',
    async run(_db, { open, ddl }) {
      const cache = new NotingCache('explicit')
      return await open({ drizzle: { cache } }, async (db) => {
        const ask = (autoInvalidate: boolean) =>
          db
            .select({ name: groups.name })
            .from(groups)
            .orderBy(asc(groups.id))
            .$withCache({ tag: `groups_${autoInvalidate}`, autoInvalidate, config: { ex: 5 } })
        const answers = [await ask(true), await ask(false)]
        await db.insert(groups).values({ name: 'new' })
        answers.push(await ask(true), await ask(false))
        await ddl(`insert into groups (name) values ('newer')`)
        await db.$cache.invalidate({ tags: 'groups_false' })
        answers.push(await ask(true), await ask(false))
        await db.$cache.invalidate({ tables: [groups, people] })
        answers.push(await ask(true), await ask(false))
        return [answers, cache.calls]
      })
    },
  },
  {
    name: 'a cache for all keeps joins and prepared queries, and no raw statement',
    async run(_db, { open, ddl }) {
      const cache = new NotingCache('all')
      return await open({ drizzle: { cache } }, async (db) => {
        const prepared = db
          .select({ role: memberships.role })
          .from(memberships)
          .where(eq(memberships.personId, sql.placeholder('id')))
          .orderBy(asc(memberships.groupId))
          .prepare('roles')
        const ask = async () => [
          await db
            .select()
            .from(memberships)
            .leftJoin(groups, eq(groups.id, memberships.groupId))
            .orderBy(asc(memberships.personId), asc(memberships.groupId)),
          await prepared.execute({ id: 1 }),
          await prepared.execute({ id: 2 }),
          await db.select().from(groups).orderBy(asc(groups.id)).$withCache(false),
          await db.$count(groups),
          await db.execute(sql`select count(*) as n from groups`),
          await variant.ask.groups(db),
        ]
        const first = await ask()
        await ddl(`update groups set name = name || '!'; update memberships set role = 'other'`)
        return [first, await ask(), cache.calls]
      })
    },
  },
  {
    name: 'a cache is used inside transactions, and invalidated by what is rolled back',
    async run(_db, { open }) {
      const cache = new NotingCache('explicit')
      return await open({ drizzle: { cache } }, async (db) => {
        const ask = (from: Pick<typeof db, 'select'>) =>
          from.select().from(groups).orderBy(asc(groups.id)).$withCache()
        const answers: unknown[] = [await ask(db)]
        const error = await failure(
          db.transaction(async (tx) => {
            answers.push(await ask(tx))
            await tx.insert(groups).values({ name: 'undone' })
            answers.push(await ask(tx))
            await tx.transaction((nested) => nested.delete(groups).where(eq(groups.name, 'undone')))
            answers.push(await ask(tx), String(tx.$cache.invalidate))
            throw new Error('undo')
          }),
        )
        answers.push(await ask(db))
        return [answers, error, cache.calls]
      })
    },
  },
  {
    name: 'a cache that fails, and a write that fails, fail as they are',
    async run(_db, { open }) {
      const answers: unknown[] = []
      for (const broken of ['get', 'put', 'onMutate']) {
        const cache = new NotingCache('explicit', broken)
        await open({ drizzle: { cache } }, async (db) => {
          answers.push(await outcome(db.select().from(groups).orderBy(asc(groups.id)).$withCache()))
          answers.push(await outcome(db.insert(groups).values({ name: 'staff' })))
          answers.push(await outcome(db.insert(groups).values({ name: broken })))
        })
        answers.push(cache.calls)
      }
      return answers
    },
  },
]

const point = {
  to: 600,
  from: [600],
  serialize: ({ x, y }: { x: number; y: number }) => `(${x},${y})`,
  parse: (text: string) => {
    const [x, y] = text.slice(1, -1).split(',').map(Number)
    return { x, y }
  },
}
const bigint = { to: 20, from: [20], serialize: String, parse: BigInt }

const typeCases: ConformanceCase[] = [
  {
    name: 'types of one’s own are read and written, in arrays too, but for those that Drizzle has its own way with',
    async run(_db, { open, ddl }) {
      await ddl(
        'create table scratch.typed (at point, ats point[], n bigint, ns bigint[], t timestamptz, m money)',
      )
      const shown = {
        to: 1184,
        from: [1082, 1114, 1184, 1083],
        serialize: () => 'never',
        parse: () => 'never',
      }
      const types = {
        point,
        bigint,
        shown,
        money: { to: 790, from: 790, serialize: String, parse: (text: string) => [text] },
      }
      return await open({ types }, async (db) => {
        const at = { x: 1.5, y: -2 }
        const values = sql`${sql.param(at)}, ${sql.param([at, { x: 0, y: 0 }])}, ${sql.param(5n)}, ${sql.param(['1', '2'])}`
        return [
          await db.execute(
            sql`insert into scratch.typed values (${values}, ${'2024-02-29 00:00:00Z'}, ${sql.param(7)}) returning *`,
          ),
          await db.execute(sql`select n + ${9007199254740993n} as n, ats[1] as first from scratch.typed`),
          await db.select().from(people).where(eq(people.visits, 42n)),
          await outcome(db.execute(sql`select ${sql.param(5)}::point as at`)),
        ]
      })
    },
  },
  {
    name: 'a codec that throws fails its statement, and the next one runs',
    run: (_db, { open }) => {
      const fail = (): never => {
        throw new RangeError('no such value')
      }
      const types = { point: { to: 600, from: [600], serialize: fail, parse: fail } }
      return open({ types }, async (db) => [
        await outcome(db.execute(sql`select '(1,2)'::point as at`)),
        await outcome(db.execute(sql`select ${sql.param({ x: 1 })}::point is null as n`)),
        await db.execute(sql`select 1 as n`),
      ])
    },
  },
]

const sessionCases: ConformanceCase[] = [
  {
    name: 'settings of the session are there in every statement, and after RESET',
    run: (_db, { open }) =>
      open({ settings: { TimeZone: 'Asia/Tokyo' } }, async (db) => {
        const at = sql`select '2024-02-29 12:00:00+00'::timestamptz as at, current_setting('TimeZone') as zone`
        return [
          await db.execute(at),
          await db.transaction(async (tx) => {
            await tx.execute(sql`set local timezone = 'UTC'`)
            return await tx.execute(at)
          }),
          await db.transaction(async (tx) => {
            await tx.execute(sql`reset timezone`)
            return await tx.execute(at)
          }),
          await db.select().from(people).orderBy(asc(people.id)),
        ]
      }),
  },
  {
    name: 'notices reach the listener, in order, with all they say',
    async run(_db, { open }) {
      const notices: unknown[] = []
      await open({ onNotice: (notice) => void notices.push(notice) }, async (db) => {
        const raise = (level: string, text: string) =>
          sql.raw(`do $$ begin raise ${level} '${text}' using hint = 'h', detail = 'd'; end $$`)
        await db.execute(raise('notice', 'one'))
        await db.execute(raise('warning', 'two'))
        await db.execute(raise('debug', 'unseen'))
        await db.execute(sql`drop table if exists scratch.nowhere`)
        await db.transaction(async (tx) => {
          await tx.execute(raise('info', 'three'))
          await tx.transaction((nested) => nested.execute(raise('notice', 'four')))
        })
      })
      return notices
    },
  },
]

/** Handles of a configuration of their own. */
export const configuredCases: ConformanceCase[] = [loggingCase, ...cacheCases, ...typeCases, ...sessionCases]
