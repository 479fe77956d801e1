import { describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { createFixture, type Fixture, firstRow } from './support.ts'

const one = { poolSize: 1, maxOverflow: 0 }

const codeOf = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => 'done',
    (error: { cause?: { code?: string } }) => error.cause?.code,
  )

async function ownerOf(fixture: Fixture) {
  return fixture.open({ name: 'owner', url: fixture.test.migratorUrl }).db
}

describe('an error that a stale plan can cause', () => {
  test.each([
    { from: 'int4', to: 'int8', first: 1, later: 5_000_000_000 },
    { from: 'int4', to: 'numeric', first: 1, later: '1.5' },
    { from: 'int4', to: 'text', first: 1, later: 'one' },
    { from: 'inet', to: 'text', first: '127.0.0.1', later: 'localhost' },
    { from: 'varchar', to: 'uuid using null', first: 'a', later: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' },
  ])('is answered by one unprepared run: %p', async ({ from, to, first, later }) => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    const owner = await ownerOf(fixture)
    await owner.execute(sql.raw(`drop table if exists plan_types; create table plan_types (v ${from})`))
    const insert = (value: unknown) => db.execute(sql`insert into plan_types (v) values (${value})`)
    await insert(first)
    await insert(first)
    await owner.execute(sql.raw(`alter table plan_types alter v type ${to}`))
    await insert(later)
    await db.transaction((tx) => tx.execute(sql`insert into plan_types (v) values (${later})`))
    const kept = await firstRow(
      db.execute(sql`select count(*)::int as n from plan_types where v::text = ${String(later)}`),
    )
    expect(kept).toEqual({ n: 2 })
  })

  test('is answered so where a type was dropped and made anew, also in a transaction', async () => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    const owner = await ownerOf(fixture)
    await owner.execute(sql`create type mood as enum ('good', 'bad'); create table moods (v mood)`)
    const insert = (on: Pick<typeof db, 'execute'>) =>
      on.execute(sql`insert into moods (v) values (${'good'})`)
    const renew = () =>
      owner.execute(
        sql`alter table moods alter v type text; drop type mood; create type mood as enum ('good'); alter table moods alter v type mood using v::mood`,
      )
    await insert(db)
    await insert(db)
    await renew()
    await insert(db)
    await db.transaction(insert)
    await db.transaction(insert)
    await renew()
    await db.transaction(insert)
    expect(await firstRow(db.execute(sql`select count(*)::int as n from moods`))).toEqual({ n: 6 })
  })

  test('is the statement’s own where nothing has changed: it does not run twice', async () => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    const owner = await ownerOf(fixture)
    await owner.execute(sql`
      create sequence runs;
      create function refuse(code text) returns int language plpgsql as
        $$ begin perform nextval('runs'); raise exception 'no' using errcode = code; end $$;
      grant usage, select on sequence runs to public`)
    const refuse = (code: string) => codeOf(db.execute(sql`select refuse(${code})`))
    for (const code of ['42501', '42P01', '22P02', 'XX000', '0A000']) expect(await refuse(code)).toBe(code)
    for (const code of ['42501', '42P01', '22P02', 'XX000', '0A000']) expect(await refuse(code)).toBe(code)
    expect(await firstRow(owner.execute(sql`select last_value::int as n from runs`))).toEqual({ n: 10 })
  })
})

describe('the bound on prepared statements', () => {
  test('counts plans as the server does: by text and by the types of the parameters', async () => {
    await using fixture = await createFixture({ pool: one, connection: { maxPreparedStatements: 4 } })
    const { db } = fixture.database
    const values = [new Date(0), true, 5n, 'text', new Uint8Array(1)]
    let most = 0
    for (let round = 0; round < 6; round++) {
      const parameters = Array.from({ length: 4 }, (_, i) => values[(i * round + i) % values.length])
      await db
        .execute(
          sql`select ${sql.join(
            parameters.map((value) => sql`${sql.param(value)}::text`),
            sql`, `,
          )}`,
        )
        .catch(() => {})
      const rows = await firstRow<{ n: number }>(
        db.execute(sql`select count(*)::int as n from pg_prepared_statements`),
      )
      most = Math.max(most, rows.n)
    }
    expect(most).toBeLessThanOrEqual(4)
  })
})
