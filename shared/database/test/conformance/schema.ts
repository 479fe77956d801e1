import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  bigint,
  boolean,
  date,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgMaterializedView,
  pgSchema,
  pgTable,
  pgView,
  primaryKey,
  serial,
  text,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core'

export const mood = pgEnum('mood', ['sad', 'ok', 'happy'])

export const people = pgTable('people', {
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
  email: varchar('email', { length: 40 }).unique('people_email_unique'),
  age: integer('age'),
  mood: mood('mood').default('ok'),
  moods: mood('moods').array(),
  balance: numeric('balance', { precision: 12, scale: 2 }),
  visits: bigint('visits', { mode: 'bigint' }),
  tags: text('tags').array().notNull().default([]),
  profile: jsonb('profile').$type<Record<string, unknown>>(),
  managerId: integer('manager_id').references((): AnyPgColumn => people.id),
  active: boolean('active').notNull().default(true),
  createdAt: timestamp('created_at', { withTimezone: true })
    .notNull()
    .default(sql`'2024-02-29 12:34:56.789+00'`),
})

export const posts = pgTable('posts', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  authorId: integer('author_id')
    .notNull()
    .references(() => people.id, { onDelete: 'cascade' }),
  title: text('title').notNull(),
  slug: text('slug').generatedAlwaysAs(sql`lower(title)`),
  body: text('body'),
  likes: bigint('likes', { mode: 'number' }).notNull().default(0),
  publishedOn: date('published_on'),
})

export const comments = pgTable('comments', {
  id: serial('id').primaryKey(),
  postId: integer('post_id')
    .notNull()
    .references(() => posts.id, { onDelete: 'cascade' }),
  authorId: integer('author_id').references(() => people.id, { onDelete: 'set null' }),
  text: text('text').notNull(),
})

export const groups = pgTable('groups', {
  id: serial('id').primaryKey(),
  name: text('name').notNull().unique('groups_name_unique'),
})

export const memberships = pgTable(
  'memberships',
  {
    personId: integer('person_id')
      .notNull()
      .references(() => people.id, { onDelete: 'cascade' }),
    groupId: integer('group_id')
      .notNull()
      .references(() => groups.id),
    role: text('role').notNull().default('member'),
  },
  (table) => [primaryKey({ columns: [table.personId, table.groupId] })],
)

export const accounts = pgTable('accounts', {
  id: integer('id').primaryKey(),
  owner: text('owner').notNull(),
  amount: integer('amount').notNull(),
})

/** The foreign key on `accountId` is checked at commit (deferrable initially deferred). */
export const entries = pgTable('entries', {
  id: integer('id').primaryKey(),
  accountId: integer('account_id')
    .notNull()
    .references(() => accounts.id),
})

export const activeAuthors = pgView('active_authors').as((qb) =>
  qb.select({ id: people.id, name: people.name, age: people.age }).from(people).where(sql`${people.active}`),
)

export const postCounts = pgMaterializedView('post_counts', {
  authorId: integer('author_id'),
  posts: bigint('posts', { mode: 'bigint' }),
}).existing()

/** Dropped and created anew before each case: tables of a case's own live here. */
export const scratch = pgSchema('scratch')
