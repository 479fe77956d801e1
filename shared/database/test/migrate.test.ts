import { describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { npmVersion } from 'drizzle-orm/version'
import { migrationLockKey } from '../src/connection/migration-signal.ts'
import { createDatabase, MigrationError, migrate, sqlState } from '../src/index.ts'
import { folderOf } from './migrations-folder.ts'
import { firstRow } from './support.ts'

const create = { when: 1_000, text: 'create table things (a int)' }
const extend = { when: 2_000, text: 'alter table things add column b text' }

describe('migrate', () => {
  test('applies what is missing, once', async () => {
    await using database = await withDatabase()
    using first = folderOf(create)
    using second = folderOf(create, extend)
    const url = database.migratorUrl
    const runs = [
      await migrate({ url, migrationsFolder: first.folder }),
      await migrate({ url, migrationsFolder: first.folder }),
      await migrate({ url, migrationsFolder: second.folder }),
    ]
    expect(runs).toEqual([
      { applied: 1, total: 1 },
      { applied: 0, total: 1 },
      { applied: 1, total: 2 },
    ])
  })

  test('eight at once are one after the other, and one of them applies it', async () => {
    await using database = await withDatabase()
    using migrations = folderOf(create, extend)
    const runs = await Promise.all(
      Array.from({ length: 8 }, () =>
        migrate({ url: database.migratorUrl, migrationsFolder: migrations.folder }),
      ),
    )
    expect(runs.map(({ applied }) => applied).sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 2])
  })

  test('gives up when another one holds the lock for too long, and says so', async () => {
    await using database = await withDatabase()
    using migrations = folderOf(create)
    const other = createDatabase({ name: 'other', url: database.migratorUrl })
    await other.use(async ({ db }) => {
      await db.execute(sql.raw(`select pg_advisory_lock(${migrationLockKey})`))
      const stuck = migrate({
        url: database.migratorUrl,
        migrationsFolder: migrations.folder,
        lockTimeoutMs: 50,
      })
      await expect(stuck).rejects.toThrow('Another process has been migrating')
    })
    expect(await migrate({ url: database.migratorUrl, migrationsFolder: migrations.folder })).toEqual({
      applied: 1,
      total: 1,
    })
    await other.close()
  })

  test('a migration older than the newest applied one is not skipped in silence', async () => {
    await using database = await withDatabase()
    using newer = folderOf({ ...create, when: 5_000 })
    using older = folderOf({ ...create, when: 5_000 }, { when: 4_000, text: 'create table late (a int)' })
    await migrate({ url: database.migratorUrl, migrationsFolder: newer.folder })
    const outcome = migrate({ url: database.migratorUrl, migrationsFolder: older.folder }).catch(
      ({ message }: Error) => message,
    )
    // drizzle-orm 0.45 would skip it; 1.0 applies it.
    expect(await outcome).toEqual(
      npmVersion.startsWith('0.') ? expect.stringContaining('1 of 2 migrations') : { applied: 1, total: 2 },
    )
  })

  test('a migration that fails leaves nothing of itself, and its SQLSTATE is in the causes', async () => {
    await using database = await withDatabase()
    using broken = folderOf(create, {
      when: 2_000,
      text: 'create table half (a int);\n--> statement-breakpoint\nselect 1 / 0',
    })
    const error = await migrate({ url: database.migratorUrl, migrationsFolder: broken.folder }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(MigrationError)
    expect(sqlState(error)).toBe('22012')
    const admin = createDatabase({ name: 'look', url: database.adminUrl })
    expect(
      await firstRow(
        admin.db.execute(sql`select to_regclass('half') as half, to_regclass('things') as things`),
      ),
    ).toEqual({
      half: null,
      things: null,
    })
    await admin.close()
  })

  test('the runtime role can not migrate', async () => {
    await using database = await withDatabase()
    using migrations = folderOf(create)
    const error = await migrate({ url: database.appUrl, migrationsFolder: migrations.folder }).catch(
      (thrown: unknown) => thrown,
    )
    expect(sqlState(error)).toBe('42501')
  })

  test('what drizzle-orm 0.45 has applied is not applied again by any later one', async () => {
    await using database = await withDatabase()
    using migrations = folderOf(create, extend)
    const hash = createHash('sha256').update(create.text).digest('hex')
    const before = createDatabase({ name: 'before', url: database.migratorUrl })
    await before.db.execute(
      sql.raw(`${create.text}; create schema if not exists drizzle;
        create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
        insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hash}', ${create.when})`),
    )
    await before.close()
    expect(await migrate({ url: database.migratorUrl, migrationsFolder: migrations.folder })).toEqual({
      applied: 1,
      total: 2,
    })
  })

  test('a folder without a migration is none', async () => {
    await using database = await withDatabase()
    const url = database.migratorUrl
    await expect(migrate({ url, migrationsFolder: import.meta.dir })).rejects.toThrow(
      `${import.meta.dir} is not a migrations folder of drizzle-orm ${npmVersion}`,
    )
  })

  test('a folder that is none is named', async () => {
    await using database = await withDatabase()
    await expect(migrate({ url: database.migratorUrl, migrationsFolder: '/nonexistent' })).rejects.toThrow(
      '/nonexistent is not a migrations folder',
    )
  })
})
