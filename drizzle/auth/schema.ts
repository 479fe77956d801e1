import { relations, sql } from 'drizzle-orm'
import { check, index, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'

/** Milliseconds, like a JavaScript `Date`: what was read compares equal to what is stored. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** People who can sign in. `email` keeps its spelling and is unique whatever its case. */
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    email: text('email').notNull(),
    passwordHash: text('password_hash').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('users_email_unique').on(sql`lower(${table.email})`),
    check('users_email_length', sql`char_length(${table.email}) between 3 and 254`),
  ],
)

/** Signed-in sessions. Only the SHA-256 (hex) of a token is stored, never the token. */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    tokenHash: text('token_hash').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [
    uniqueIndex('sessions_token_hash_unique').on(table.tokenHash),
    index('sessions_user_id_index').on(table.userId, table.expiresAt),
    check('sessions_token_hash_sha256', sql`${table.tokenHash} ~ '^[0-9a-f]{64}$'`),
    check('sessions_expire_after_creation', sql`${table.expiresAt} > ${table.createdAt}`),
  ],
)

/**
 * Requests that clients may repeat, with the answers they got: see `createIdempotency` of @shared/service. `id` is the digest of client
 * and key, `fingerprint` that of the request. `answer` is null only inside the transaction that writes it.
 */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    id: text('id').primaryKey(),
    fingerprint: text('fingerprint').notNull(),
    answer: text('answer'),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [index('idempotency_keys_expires_at_index').on(table.expiresAt)],
)

/** A user's sessions, for relational queries. */
export const usersRelations = relations(users, ({ many }) => ({ sessions: many(sessions) }))

/** A session's user, for relational queries. */
export const sessionsRelations = relations(sessions, ({ one }) => ({
  user: one(users, { fields: [sessions.userId], references: [users.id] }),
}))
