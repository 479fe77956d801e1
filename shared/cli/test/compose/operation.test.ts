import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createServiceEnv } from '@shared/env'
import { commands } from '../../src/commands/index.ts'
import { composeConnections } from '../../src/compose/compose-file.ts'
import { findServices } from '../../src/workspace/services.ts'
import { containerOf, durationMs, readCompose, stepsOf } from './compose-file.ts'
import { environmentOf } from './findings.ts'
import { makeSecrets, type SecretFolder } from './secret-folder.ts'

const services = await findServices([])
const names = services.map(({ service }) => service)
const named = services.map((service) => [service.service, service] as const)
let secrets: SecretFolder

beforeAll(() => {
  secrets = makeSecrets()
})
afterAll(() => secrets.remove())

describe('docker-compose.yml in operation', () => {
  test('starts a service when its migrations are done, those when its roles are there, those when the server is', () => {
    const compose = readCompose()
    const order = names.flatMap((name) =>
      stepsOf(name).map((step) => [step, containerOf(compose, step).depends_on]),
    )
    expect(Object.fromEntries(order)).toEqual(
      Object.fromEntries(
        names.flatMap((name) => [
          [name, { [`migrate-${name}`]: { condition: 'service_completed_successfully' } }],
          [`migrate-${name}`, { [`provision-${name}`]: { condition: 'service_completed_successfully' } }],
          [`provision-${name}`, { postgres: { condition: 'service_healthy' } }],
        ]),
      ),
    )
  })

  test.each(names)('prepares %s with commands that the CLI has', (name) => {
    const compose = readCompose()
    const given = [`provision-${name}`, `migrate-${name}`].map((step) => containerOf(compose, step).command)
    expect(given).toEqual([
      ['db:provision', name, '--close-shared-databases'],
      ['db:migrate', name],
    ])
    expect(Object.keys(commands)).toEqual(expect.arrayContaining(['db:provision', 'db:migrate']))
  })

  test('confines every container but the server, which needs to write', () => {
    const confined = {
      init: true,
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    }
    for (const name of names.flatMap(stepsOf))
      expect(containerOf(readCompose(), name)).toMatchObject(confined)
    expect(containerOf(readCompose(), 'postgres').security_opt).toEqual(['no-new-privileges:true'])
  })

  test.each(named)('gives %s longer to stop than it takes', (name, service) => {
    const container = containerOf(readCompose(), name)
    const env = createServiceEnv({ ...service, environment: environmentOf(container, secrets.path) })
    expect(durationMs(container.stop_grace_period)).toBeGreaterThan(env.SHUTDOWN_TIMEOUT * 1000)
  })

  test('runs a pinned server whose data, health check and password are where that version needs them', () => {
    const { image, volumes, environment, healthcheck } = containerOf(readCompose(), 'postgres')
    expect({
      image,
      volumes,
      password: environment?.POSTGRES_PASSWORD_FILE,
      check: healthcheck?.test,
    }).toEqual({
      image: expect.stringMatching(/^postgres:18\.\d+$/),
      volumes: ['postgres:/var/lib/postgresql'],
      password: '/run/secrets/postgres_password',
      check: ['CMD', 'pg_isready', '--host=127.0.0.1', '--username=postgres'],
    })
  })

  test('allows all services together no more connections than the server has', () => {
    const { allowed, available } = composeConnections(readCompose(), services)
    expect(allowed).toBeLessThanOrEqual(available)
  })

  test('is found wrong with a larger pool or a smaller server', () => {
    const pool = readCompose()
    Object.assign(containerOf(pool, 'provision-auth').environment ?? {}, { DATABASE_POOL_SIZE: '40' })
    const server = readCompose()
    containerOf(server, 'postgres').command = ['postgres']
    for (const compose of [pool, server]) {
      const { allowed, available } = composeConnections(compose, services)
      expect(allowed).toBeGreaterThan(available)
    }
  })

  test.each(names)(
    'gives %s the same database settings as its provisioner, which sets its connection limit',
    (name) => {
      const compose = readCompose()
      const pool = (container: string) =>
        Object.entries(containerOf(compose, container).environment ?? {}).filter(([key]) =>
          key.startsWith('DATABASE_'),
        )
      const shared = pool(`provision-${name}`).filter(([key]) => key !== 'DATABASE_ADMIN_URL_FILE')
      expect(Object.fromEntries(pool(name))).toEqual(Object.fromEntries(shared))
    },
  )
})
