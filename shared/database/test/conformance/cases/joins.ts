import { aliasedTable, and, asc, count, desc, eq, isNull, lt, sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { comments, groups, memberships, people, posts } from '../schema.ts'

const managers = aliasedTable(people, 'managers')
const names = { person: people.name, title: posts.title }

export const joinCases: ConformanceCase[] = [
  {
    name: 'inner join gives rows keyed by table',
    run: (db) => db.select().from(posts).innerJoin(people, eq(posts.authorId, people.id)).orderBy(posts.id),
  },
  {
    name: 'left join gives null for the missing side',
    run: (db) =>
      db.select().from(people).leftJoin(posts, eq(posts.authorId, people.id)).orderBy(people.id, posts.id),
  },
  {
    name: 'left join of nested selections gives null objects',
    run: (db) =>
      db
        .select({ id: people.id, post: { id: posts.id, body: posts.body }, author: { name: people.name } })
        .from(people)
        .leftJoin(posts, eq(posts.authorId, people.id))
        .orderBy(people.id, posts.id),
  },
  {
    name: 'right join gives null for the missing side',
    run: (db) =>
      db
        .select(names)
        .from(posts)
        .rightJoin(people, eq(posts.authorId, people.id))
        .orderBy(people.id, posts.id),
  },
  {
    name: 'full join gives null on either side',
    run: (db) =>
      db
        .select()
        .from(comments)
        .fullJoin(people, and(eq(comments.authorId, people.id), lt(comments.id, 4)))
        .orderBy(sql`${comments.id} nulls last`, people.id),
  },
  {
    name: 'cross join gives every pair',
    run: (db) =>
      db
        .select()
        .from(groups)
        .crossJoin(memberships)
        .orderBy(groups.id, memberships.personId, memberships.groupId),
  },
  {
    name: 'a table joined with itself keeps its two roles apart',
    run: (db) =>
      db
        .select({ name: people.name, manager: managers.name, both: { a: people.id, b: managers.id } })
        .from(people)
        .leftJoin(managers, eq(people.managerId, managers.id))
        .orderBy(people.id),
  },
  {
    name: 'three joins through a table between keep rows apart',
    run: (db) =>
      db
        .select({ person: people.name, group: groups.name, role: memberships.role })
        .from(groups)
        .leftJoin(memberships, eq(memberships.groupId, groups.id))
        .leftJoin(people, eq(people.id, memberships.personId))
        .orderBy(groups.id, people.id),
  },
  {
    name: 'a lateral join takes the latest of each',
    run: (db) => {
      const latest = db
        .select()
        .from(comments)
        .where(eq(comments.postId, posts.id))
        .orderBy(desc(comments.id))
        .limit(1)
        .as('latest')
      return db
        .select({ post: posts.title, text: latest.text })
        .from(posts)
        .leftJoinLateral(latest, sql`true`)
        .orderBy(posts.id)
    },
  },
  {
    name: 'a join with a grouped subquery keeps its expressions',
    run: (db) => {
      const counts = db
        .select({
          authorId: posts.authorId,
          n: count().as('n'),
          likes: sql<string>`sum(${posts.likes})`.as('likes'),
        })
        .from(posts)
        .groupBy(posts.authorId)
        .as('counts')
      return db
        .select({ name: people.name, n: counts.n, likes: counts.likes })
        .from(people)
        .leftJoin(counts, eq(counts.authorId, people.id))
        .orderBy(people.id)
    },
  },
  {
    name: 'rows without a partner are found by an anti join',
    run: (db) =>
      db
        .select({ id: people.id })
        .from(people)
        .leftJoin(posts, eq(posts.authorId, people.id))
        .where(isNull(posts.id))
        .orderBy(asc(people.id)),
  },
]
