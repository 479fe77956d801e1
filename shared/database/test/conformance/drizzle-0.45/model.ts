import { relations } from 'drizzle-orm'
import type { DrizzleDatabase } from '../../../src/index.ts'
import type { ConformanceCase } from '../case.ts'
import * as tables from '../schema.ts'
import { comments, groups, memberships, people, posts } from '../schema.ts'

const peopleRelations = relations(people, ({ one, many }) => ({
  manager: one(people, { fields: [people.managerId], references: [people.id], relationName: 'manager' }),
  reports: many(people, { relationName: 'manager' }),
  posts: many(posts),
  memberships: many(memberships),
}))

const postsRelations = relations(posts, ({ one, many }) => ({
  author: one(people, { fields: [posts.authorId], references: [people.id] }),
  comments: many(comments),
}))

const commentsRelations = relations(comments, ({ one }) => ({
  post: one(posts, { fields: [comments.postId], references: [posts.id] }),
  author: one(people, { fields: [comments.authorId], references: [people.id] }),
}))

const groupsRelations = relations(groups, ({ many }) => ({ memberships: many(memberships) }))

const membershipsRelations = relations(memberships, ({ one }) => ({
  person: one(people, { fields: [memberships.personId], references: [people.id] }),
  group: one(groups, { fields: [memberships.groupId], references: [groups.id] }),
}))

/** The world's tables and how they relate. */
export const schema = {
  ...tables,
  peopleRelations,
  postsRelations,
  commentsRelations,
  groupsRelations,
  membershipsRelations,
}

/** A case that asks relational queries. */
export function relationalCase(
  name: string,
  run: (db: DrizzleDatabase<typeof schema>) => Promise<unknown>,
): ConformanceCase {
  return { name, run: (db) => run(db as unknown as DrizzleDatabase<typeof schema>) }
}
