import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServiceEnv } from '@shared/env'
import {
  composeEnvironments,
  listenAddress,
  onServer,
  runtimeEnvironment,
  type ServiceSetup,
} from './service-environment.ts'
import type { Service } from './services.ts'

const root = mkdtempSync(join(tmpdir(), 'services-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A service's folder with the committed values, and a `.env.local` where given. */
function makeService(service: string, local?: string): Service {
  const folder = join(root, `${service}-${crypto.randomUUID()}`)
  mkdirSync(folder)
  const committed = `HOST=127.0.0.1\nPORT=8001\nDATABASE_HOST=127.0.0.1\nDATABASE_PORT=54320\nDATABASE_NAME=${service}_db
DATABASE_USER=${service}_app\nDATABASE_PASSWORD=${service}_app_local\nMIGRATION_USER=${service}_migrator\nMIGRATION_PASSWORD=m\n`
  writeFileSync(join(folder, '.env.development'), committed)
  if (local !== undefined) writeFileSync(join(folder, '.env.local'), local)
  return {
    service,
    database: `${service}_db`,
    port: 8001,
    folder,
    schemaFolder: folder,
    sourceFolders: [folder],
  }
}

function compose(service: Service, environment: Record<string, string> = {}, mode?: string): ServiceSetup {
  const [setup] = composeEnvironments([service], { environment, mode })
  if (setup === undefined) throw new Error('no setup')
  return setup
}

const urlOf = (setup: ServiceSetup): string =>
  createServiceEnv({ ...setup.service, environment: setup.environment }).DATABASE_URL.reveal()

describe('the environment of a service', () => {
  test('is the committed one, on the port that the local server got', () => {
    const setup = onServer(compose(makeService('auth')), { host: '127.0.0.1', port: 54_321 })
    expect({ external: setup.external, url: urlOf(setup), listen: listenAddress(setup) }).toEqual({
      external: false,
      url: 'postgresql://auth_app:auth_app_local@127.0.0.1:54321/auth_db?sslmode=prefer',
      listen: { host: '127.0.0.1', port: 8001 },
    })
  })

  test('leads to the standbys of the local server too', () => {
    const standbys = [{ host: '127.0.0.1', port: 54_322 }]
    const setup = onServer(compose(makeService('auth')), { host: '127.0.0.1', port: 54_321, standbys })
    expect(urlOf(setup)).toBe(
      'postgresql://auth_app:auth_app_local@127.0.0.1:54321,127.0.0.1:54322/auth_db?sslmode=prefer',
    )
  })

  test('is external with a URL in .env.local, which wins over the committed parts', () => {
    const service = makeService(
      'auth',
      'DATABASE_URL=postgresql+asyncpg://me:secret@db.example:5433/auth_db\n',
    )
    const setup = onServer(compose(service), { host: '127.0.0.1', port: 54_321 })
    expect({ external: setup.external, url: urlOf(setup) }).toEqual({
      external: true,
      url: 'postgresql://me:secret@db.example:5433/auth_db?sslmode=prefer',
    })
  })

  test('is external with another host or port, and not with the committed ones repeated', () => {
    const external = (environment: Record<string, string>): boolean =>
      compose(makeService('auth'), environment).external
    expect([
      external({ DATABASE_HOST: 'db.example' }),
      external({ DATABASE_PORT: '5432' }),
      external({ DATABASE_HOST: '127.0.0.1', DATABASE_PORT: '54320' }),
      external({ DATABASE_POOL_SIZE: '3', DATABASE_URL: '' }),
    ]).toEqual([true, true, false, false])
  })

  test('keeps a part that was given beside a URL, so that a contradiction is reported', () => {
    const environment = { DATABASE_URL: 'postgres://me:secret@db.example/auth_db', DATABASE_USER: 'somebody' }
    expect(() => urlOf(compose(makeService('auth'), environment))).toThrow('DATABASE_USER')
  })

  test('in production has nothing of the committed values and is never ours', () => {
    const setup = compose(makeService('auth'), {}, 'production')
    expect({ external: setup.external, host: setup.environment.DATABASE_HOST }).toEqual({
      external: true,
      host: undefined,
    })
  })

  test('is external with an address for migrations, so that they go to no other one', () => {
    const setup = compose(makeService('auth'), { DATABASE_DIRECT_URL: 'postgres://db.example' })
    expect(onServer(setup, { host: '127.0.0.1', port: 54_321 })).toBe(setup)
    expect({ ...setup, service: null }).toMatchObject({
      external: true,
      environment: { DATABASE_DIRECT_URL: 'postgres://db.example' },
    })
  })

  test('holds no admin URL, and at run time nothing of the migrator', () => {
    const admin = { DATABASE_ADMIN_URL: 'postgres://admin:pw@h/postgres', DATABASE_ADMIN_URL_FILE: '/run/x' }
    const direct = { DATABASE_DIRECT_URL: 'postgres://db.example', DATABASE_DIRECT_URL_FILE: '/run/x' }
    const setup = compose(makeService('auth'), { ...admin, ...direct })
    expect(Object.keys(setup.environment).filter((name) => name.includes('ADMIN'))).toEqual([])
    expect(setup.environment.MIGRATION_PASSWORD).toBe('m')
    const names = Object.keys(runtimeEnvironment(setup))
    expect(names.filter((name) => /^MIGRATION_|DIRECT/.test(name))).toEqual(['DATABASE_DIRECT_URL'])
    const withLogin = { DATABASE_DIRECT_URL: 'postgres://auth_migrator:canary@db.example' }
    expect(JSON.stringify(runtimeEnvironment(compose(makeService('auth'), withLogin)))).not.toContain(
      'canary',
    )
  })

  test('takes the SSL mode that came with the address, unless the service sets one', () => {
    const server = { host: 'db.example', port: 5432, sslMode: 'require' }
    const given: Record<string, string>[] = [{}, { DATABASE_SSL_MODE: 'disable' }]
    const modes = given.map(
      (environment) =>
        onServer(compose(makeService('auth'), environment), server).environment.DATABASE_SSL_MODE,
    )
    expect(modes).toEqual(['require', 'disable'])
  })
})

describe('several services', () => {
  const both = () => [makeService('auth'), makeService('cart')]

  test.each([
    ['DATABASE_URL', 'postgres://me:secret@h/auth_db'],
    ['DATABASE_URL', 'not a url secret'],
    ['DATABASE_URL_FILE', '/run/secrets/url'],
    ['DATABASE_DIRECT_URL', 'postgres://me:secret@h/auth_db'],
    ['DATABASE_DIRECT_URL_FILE', '/run/secrets/url'],
    ['PORT', '8001'],
  ])('refuse to share %s, without repeating it', (name, value) => {
    const refusal = (): unknown => composeEnvironments(both(), { environment: { [name]: value } })
    expect(refusal).toThrow(/2 services would share it \(auth, cart\)/)
    expect(refusal).not.toThrow(/secret/)
  })

  test('may share a URL that names no database, and take free ports', () => {
    const environment = { DATABASE_URL: 'postgres://db.example:5433', PORT: '0' }
    expect(composeEnvironments(both(), { environment }).map(urlOf)).toEqual([
      'postgresql://auth_app:auth_app_local@db.example:5433/auth_db?sslmode=prefer',
      'postgresql://cart_app:cart_app_local@db.example:5433/cart_db?sslmode=prefer',
    ])
  })
})
