import { expect, test } from 'bun:test'
import { explainConfinement } from './confinement.ts'

test.each([
  ['superuser', 'or ALTER ROLE "poc" NOSUPERUSER'],
  ['bypasses row security', 'or ALTER ROLE "poc" NOBYPASSRLS'],
  ['may create schemas', 'bun run db:provision auth --adopt, with --dry-run first'],
  ['may create tables', 'gives them to an owner that cannot log in'],
  ['may connect to postgres', 'bun run db:provision auth --close-shared-databases'],
  ['may connect to cart_db', 'REVOKE CONNECT ON DATABASE "cart_db" FROM PUBLIC, "poc"'],
  ['is member of pg_read_all_data', 'REVOKE "pg_read_all_data" FROM "poc"'],
])('a role that %s: what to do is said', (finding, remedy) => {
  expect(explainConfinement('auth', 'poc', [finding])).toEqual([
    { finding, remedy: expect.stringContaining(remedy) },
  ])
})
