import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceRoles } from '@shared/postgres'
import { composeEnvironments } from '../workspace/service-environment.ts'
import { serviceNames } from '../workspace/services.ts'
import {
  publishedPasswords,
  refusePublishedPasswords,
  savePasswords,
  withOwnPasswords,
} from './role-passwords.ts'

const root = mkdtempSync(join(tmpdir(), 'passwords-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The composed environment of a service with committed passwords, and a `.env.local` where given. */
function setupOf(given: Record<string, string> = {}, local?: string) {
  const folder = join(root, crypto.randomUUID())
  mkdirSync(folder)
  writeFileSync(
    join(folder, '.env.development'),
    'DATABASE_PASSWORD=committed\nMIGRATION_PASSWORD=committed\n',
  )
  if (local !== undefined) writeFileSync(join(folder, '.env.local'), local)
  const names = { service: 'auth', database: 'auth_db', port: 8001 }
  const service = { ...names, folder, schemaFolder: folder, sourceFolders: [folder] }
  const read = () => {
    const [setup] = composeEnvironments([service], { environment: given })
    if (setup === undefined) throw new Error('no setup')
    return setup
  }
  return { folder, read, setup: read() }
}
const random = /^[\w-]{32}$/

describe('passwords off the local server', () => {
  test('are generated in place of the committed ones, stored in .env.local for its owner alone, and read from there', () => {
    const { folder, read, setup } = setupOf({}, 'PORT=9')
    const own = withOwnPasswords(setup, {})
    const { DATABASE_PASSWORD, MIGRATION_PASSWORD, PORT } = own.environment
    expect({ DATABASE_PASSWORD, MIGRATION_PASSWORD, PORT, generated: own.generated }).toEqual({
      DATABASE_PASSWORD: expect.stringMatching(random),
      MIGRATION_PASSWORD: expect.stringMatching(random),
      PORT: '9',
      generated: ['DATABASE_PASSWORD', 'MIGRATION_PASSWORD'],
    })
    expect(DATABASE_PASSWORD).not.toBe(MIGRATION_PASSWORD)
    expect(savePasswords(own)).toEndWith('.env.local')
    expect(statSync(join(folder, '.env.local')).mode & 0o777).toBe(0o600)
    expect(read().environment).toEqual(own.environment)
    const again = withOwnPasswords(read(), {})
    expect({ generated: again.generated, written: savePasswords(again) }).toEqual({
      generated: undefined,
      written: null,
    })
  })

  test('are the given ones, where the environment or .env.local has them', () => {
    const given = { DATABASE_PASSWORD: 'real' }
    const { folder, setup } = setupOf(given, 'MIGRATION_PASSWORD=local\n')
    expect(withOwnPasswords(setup, given)).toBe(setup)
    expect(savePasswords(setup)).toBeNull()
    expect(readFileSync(join(folder, '.env.local'), 'utf8')).toBe('MIGRATION_PASSWORD=local\n')
  })

  test('that cannot be stored end the run with advice', () => {
    const { folder, setup } = setupOf()
    const own = withOwnPasswords(setup, {})
    mkdirSync(join(folder, '.env.local'))
    expect(() => savePasswords(own)).toThrow(/cannot be .*give DATABASE_PASSWORD and MIGRATION_PASSWORD/)
  })

  test('are refused where a committed one was given on purpose', () => {
    const given = { DATABASE_PASSWORD: 'committed' }
    const { setup } = setupOf(given, 'MIGRATION_PASSWORD=committed\n')
    const own = withOwnPasswords(setup, given)
    expect(own.generated).toBeUndefined()
    const roles: ServiceRoles = {
      service: 'auth',
      database: 'auth_db',
      owner: 'auth_owner',
      migrator: { name: 'auth_migrator', password: 'real' },
      app: { name: 'auth_app', password: own.environment.DATABASE_PASSWORD ?? '', connectionLimit: 1 },
    }
    expect(() => refusePublishedPasswords([roles], new Set(['committed']))).toThrow(
      /^auth: the password given for "auth_app" is one that is in this repository/,
    )
    expect(() => refusePublishedPasswords([roles], new Set(['other']))).not.toThrow()
  })

  test('are compared with those of every service and of the examples', () => {
    const published = publishedPasswords()
    const expected = serviceNames().flatMap((name) => [`${name}_app_local`, `${name}_migrator_local`])
    expect([...published].sort()).toEqual([...expected, 'change-me'].sort())
  })
})
