import { defineRelations } from 'drizzle-orm'
import type { DrizzleDatabase } from '../../../src/index.ts'
import type { ConformanceCase } from '../case.ts'
import * as tables from '../schema.ts'

/** How the world's tables relate. */
export const relations = defineRelations(tables, (r) => ({
  people: {
    manager: r.one.people({ from: r.people.managerId, to: r.people.id, alias: 'manager' }),
    reports: r.many.people({ alias: 'manager' }),
    posts: r.many.posts(),
    memberships: r.many.memberships(),
    groups: r.many.groups({
      from: r.people.id.through(r.memberships.personId),
      to: r.groups.id.through(r.memberships.groupId),
    }),
  },
  posts: {
    author: r.one.people({ from: r.posts.authorId, to: r.people.id }),
    comments: r.many.comments(),
  },
  comments: {
    post: r.one.posts({ from: r.comments.postId, to: r.posts.id }),
    author: r.one.people({ from: r.comments.authorId, to: r.people.id }),
  },
  groups: { memberships: r.many.memberships(), members: r.many.people() },
  memberships: {
    person: r.one.people({ from: r.memberships.personId, to: r.people.id }),
    group: r.one.groups({ from: r.memberships.groupId, to: r.groups.id }),
  },
}))

/** A case that asks relational queries. */
export function relationalCase(
  name: string,
  run: (db: DrizzleDatabase<typeof relations>) => Promise<unknown>,
): ConformanceCase {
  return { name, run: (db) => run(db as unknown as DrizzleDatabase<typeof relations>) }
}
