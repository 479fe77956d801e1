import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import type { Admin } from './admin.ts'

/** Writes of one statement each. No key: a row that is there twice must be seen. */
export const singles = pgTable('singles', { id: text().notNull(), part: integer().notNull().default(1) })

/** Writes of transactions: a row of each is in `singles`, the others are here. */
export const pairs = pgTable('pairs', { id: text().notNull(), part: integer().notNull() })

/** Rows to be read, whose text follows from their number. */
export const shelf = pgTable('shelf', { n: integer().primaryKey(), body: text().notNull() })

/** The role that the layer logs in as. */
export const role = { name: 'chaos_app', password: 'chaos' } as const

export const shelfRows = 64

/** The text of a row of `shelf`: up to 2 kB, so that a page of them is many packets. */
export const bodyOf = (n: number): string => `${n}.`.repeat(1 + (n % 8) * 80)

/** Makes the tables and functions that callers work on, for the role or `public`. `-1` as a part fails at COMMIT, after the statement's own answer. */
export async function setStage(admin: Admin, grantee: string = role.name): Promise<void> {
  await admin.unsafe(`
    create table singles (id text not null, part int not null default 1);
    create table pairs (id text not null, part int not null);
    create table shelf (n int primary key, body text not null);
    insert into shelf select n, repeat(n || '.', 1 + (n % 8) * 80) from generate_series(1, ${shelfRows}) n;
    create function put(text) returns text language sql volatile
      as $$ insert into singles (id) values ($1) returning id $$;
    create function put_slowly(text, float8) returns text language plpgsql volatile as $$
      begin insert into singles (id) values ($1); perform pg_sleep($2); return $1; end $$;
    create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'refused at COMMIT' using errcode = '23514'; end $$;
    create constraint trigger refused after insert on singles deferrable initially deferred
      for each row when (new.part < 0) execute function refuse();
    grant select, insert, update, delete on all tables in schema public to ${grantee};
    alter default privileges in schema public grant all on tables to ${grantee};
    alter default privileges in schema public grant usage on types to ${grantee}`)
}
