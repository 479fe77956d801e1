import { expect, test } from 'bun:test'
import { readDatabaseUrl } from './database-url.ts'

test('a parameter of another stack is refused with the variable that is to be set in its place', () => {
  const read = readDatabaseUrl('postgresql://auth_app:pw@db/auth_db?pool_size=5&max_overflow=3&constructor=1')
  expect(read).toEqual({
    problems: [
      'must not have the parameter pool_size: set DATABASE_POOL_SIZE',
      'must not have the parameter max_overflow: set DATABASE_MAX_OVERFLOW',
      'must not have the parameter constructor: remove it',
    ],
  })
})
