import { expect, test } from 'bun:test'
import { checkServices, type ServiceRoles } from './service-roles.ts'

const service = (change: Partial<ServiceRoles> = {}): ServiceRoles => ({
  service: 'auth',
  database: 'auth_db',
  owner: 'auth_owner',
  migrator: { name: 'auth_migrator', password: 'm' },
  app: { name: 'auth_app', password: 'a', connectionLimit: 10 },
  ...change,
})

test.each([
  ['a database of the server', { database: 'postgres' }],
  ['an empty name', { owner: '' }],
  ['a name PostgreSQL would truncate', { database: 'x'.repeat(64) }],
  ['a reserved prefix', { owner: 'pg_owner' }],
  ['the admin as a service role', { owner: 'admin' }],
  ['one role in two places', { owner: 'auth_app' }],
  ['an empty password', { migrator: { name: 'auth_migrator', password: '' } }],
  ['a password with a line break', { migrator: { name: 'auth_migrator', password: 'secret\nsecret' } }],
  [
    'a password clients normalise differently',
    { migrator: { name: 'auth_migrator', password: 'secre\u00aa' } },
  ],
  ['no connection limit', { app: { name: 'auth_app', password: 'a', connectionLimit: -1 } }],
])('%s is refused, without its secret', (_, change) => {
  let caught: unknown
  try {
    checkServices([service(change)], 'admin')
  } catch (error) {
    caught = error
  }
  expect(caught).toMatchObject({
    name: 'ProvisionError',
    code: 'INVALID_INPUT',
    step: 'check service "auth"',
  })
  expect(String(caught)).not.toContain('secre')
})

test('two services may not share a database', () => {
  const other = service({
    service: 'cart',
    owner: 'c_o',
    migrator: { name: 'c_m', password: 'm' },
    app: { name: 'c_a', password: 'a', connectionLimit: 1 },
  })
  expect(() => checkServices([service(), other], 'admin')).toThrow(
    '"auth_db" is reserved or used by another service',
  )
})
