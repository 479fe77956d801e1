import { expect, test } from 'bun:test'
import { withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { baseline, createDatabase, migrate, migrationStatus } from '../src/index.ts'
import { folderOf } from './migrations-folder.ts'
import { firstRow } from './support.ts'

const init = {
  when: 1_000,
  text: `CREATE TYPE "public"."mood" AS ENUM('good', 'bad');
--> statement-breakpoint
CREATE TABLE "people" (
  "id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY NOT NULL, "email" text NOT NULL, "mood" "mood" DEFAULT 'good',
  CONSTRAINT "people_email_length" CHECK (char_length("people"."email") between 3 and 254)
);
--> statement-breakpoint
CREATE TABLE "pets" ("id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL, "owner_id" integer NOT NULL);
--> statement-breakpoint
ALTER TABLE "pets" ADD CONSTRAINT "pets_owner_id_people_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."people"("id") ON DELETE cascade;
--> statement-breakpoint
CREATE UNIQUE INDEX "people_email_unique" ON "people" USING btree ("email");`,
}
const extend = { when: 2_000, text: 'ALTER TABLE "pets" ADD COLUMN "name" text;' }

/** A database whose tables were made by something else, with a row, and a change to them. */
async function existing(change = 'select 1') {
  const test = await withDatabase()
  const database = createDatabase({ name: 'tables', url: test.migratorUrl, connection: { prepare: false } })
  const run = (text: string) => database.db.execute(sql.raw(text))
  await run(init.text.replaceAll('--> statement-breakpoint', ''))
  await run("insert into people (email) values ('a@b.c'); create table beside (id int)")
  await run(change)
  return {
    url: test.migratorUrl,
    run,
    async [Symbol.asyncDispose]() {
      await database.close()
      await test.drop()
    },
  }
}

test('tables that are what the first migration makes are recorded, and only later migrations are applied', async () => {
  await using database = await existing()
  using migrations = folderOf(init, extend)
  const options = { url: database.url, migrationsFolder: migrations.folder }
  const states = async () => (await migrationStatus(options)).migrations.map(({ state }) => state)
  const dry = await baseline({ ...options, dryRun: true })
  const before = await states()
  const done = await baseline(options)
  const between = await states()
  const migrated = await migrate(options)
  expect({
    dry,
    before,
    done,
    between,
    migrated,
    after: await states(),
    rows: await firstRow(database.run('select count(*)::int as n from people')),
    schemas: await firstRow(
      database.run(`select count(*)::int as n from pg_namespace where nspname = 'drizzle_baseline'`),
    ),
  }).toEqual({
    dry: { recorded: [expect.any(String)], differences: [] },
    before: ['pending', 'pending'],
    done: { recorded: dry.recorded, differences: [] },
    between: ['applied', 'pending'],
    migrated: { applied: 1, total: 2 },
    after: ['applied', 'applied'],
    rows: { n: 1 },
    schemas: { n: 0 },
  })
  await expect(baseline(options)).rejects.toThrow('has recorded 2 migrations already')
})

test.each([
  [
    'alter table people alter email type varchar(254)',
    [
      'column people.email is character varying(254) not null, expected text not null',
      'constraint people.people_email_length is',
    ],
  ],
  ['alter table people alter email drop not null', ['column people.email is text, expected text not null']],
  ['drop table pets', ['table pets is missing']],
  ['alter table people drop mood', ["column people.mood is missing: mood default 'good'::mood"]],
  ['alter table people add age int', ['column people.age is not expected']],
  ["alter type mood add value 'fair'", ["enum mood is 'good', 'bad', 'fair', expected 'good', 'bad'"]],
  [
    'drop index people_email_unique',
    ['index people.people_email_unique is missing: CREATE UNIQUE INDEX ON people USING btree (email)'],
  ],
  [
    'alter index people_email_unique rename to people_email_key',
    ['index people.people_email_unique is called people_email_key'],
  ],
])('%s: the difference is named and nothing is recorded', async (change, expected) => {
  await using database = await existing(change)
  using migrations = folderOf(init)
  const options = { url: database.url, migrationsFolder: migrations.folder }
  const { recorded, differences } = await baseline(options)
  expect({ recorded, differences: differences.map(({ text }) => text) }).toEqual({
    recorded: [],
    differences: expected.map((text) => expect.stringContaining(text)),
  })
  expect((await migrationStatus(options)).migrations).toMatchObject([{ state: 'pending' }])
})

test('a constraint of another name is no obstacle: the statement that renames it is printed, and does it', async () => {
  await using database = await existing(
    'alter table pets rename constraint pets_owner_id_people_id_fk to "Pets owner"; alter index people_email_unique rename to people_email_key',
  )
  using migrations = folderOf(init)
  const options = { url: database.url, migrationsFolder: migrations.folder }
  const { differences } = await baseline(options)
  for (const { fix } of differences) await database.run(fix ?? 'no fix')
  expect({ differences: differences.length, second: (await baseline(options)).differences }).toEqual({
    differences: 2,
    second: [],
  })
})

test('a changed file is drifted, an older one that was left out is skipped, one of a newer version is foreign', async () => {
  await using database = await withDatabase()
  const url = database.migratorUrl
  using first = folderOf({ when: 1_000, text: 'create table a (id int)' }, { when: 4_000, text: 'select 4' })
  await migrate({ url, migrationsFolder: first.folder })
  using second = folderOf(
    { when: 1_000, text: 'create table a (id bigint)' },
    { when: 2_000, text: 'select 2' },
    { when: 5_000, text: 'select 5' },
  )
  const { migrations, foreign } = await migrationStatus({ url, migrationsFolder: second.folder })
  expect({ states: migrations.map(({ state }) => state), foreign }).toEqual({
    states: ['drifted', 'skipped', 'pending'],
    foreign: 1,
  })
})
