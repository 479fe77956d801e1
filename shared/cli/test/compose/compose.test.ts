import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { findServices } from '../../src/workspace/services.ts'
import { containerOf, profileOf, readCompose, stepsOf } from './compose-file.ts'
import { callsOf, environmentFindings, neighbours, secretFindings, secretHolders } from './findings.ts'
import { makeSecrets, type SecretFolder } from './secret-folder.ts'

const services = await findServices([])
const names = services.map(({ service }) => service)
const named = services.map((service) => [service.service, service] as const)
let secrets: SecretFolder

beforeAll(() => {
  secrets = makeSecrets()
})
afterAll(() => secrets.remove())

describe('docker-compose.yml', () => {
  test('has each service of the workspace with its two steps, the server, the monitoring, and nothing else', () => {
    const compose = readCompose()
    const monitoring = profileOf(compose, 'monitoring')
    expect({ monitoring, all: Object.keys(compose.services).sort() }).toEqual({
      monitoring: ['prometheus', 'grafana'],
      all: ['postgres', ...monitoring, ...names.flatMap(stepsOf)].sort(),
    })
  })

  test.each(named)('gives %s the port of its definition, published to this machine only', (name, service) => {
    const { build, ports } = containerOf(readCompose(), name)
    const { port } = service
    expect({ build, ports }).toEqual({
      build: {
        context: '.',
        dockerfile: 'services/Dockerfile',
        target: 'service',
        args: { SERVICE: name, PORT: String(port) },
      },
      ports: [`127.0.0.1:${port}:${port}`],
    })
  })

  test.each(named)('gives %s and its steps environments that their own readers accept', (_name, service) => {
    expect(environmentFindings(readCompose(), service, secrets.path)).toEqual([])
  })

  test.each([
    ['a variable that does not exist', 'auth', { DATABASE_POOLSIZE: '5' }, 'DATABASE_POOLSIZE is not known'],
    ['an unknown variable', 'auth', { LOGLEVEL: 'info' }, 'LOGLEVEL is not known'],
    ["another service's database", 'auth', { DATABASE_NAME: 'cart_db' }, 'DATABASE_NAME auth owns auth_db'],
    ['a value that is wrong', 'auth', { DATABASE_SSL_MODE: 'off' }, 'DATABASE_SSL_MODE must be'],
    [
      "the migrator's login in the service",
      'auth',
      { MIGRATION_USER: 'auth_migrator' },
      'MIGRATION_USER is not',
    ],
    [
      'a secret that is not mounted',
      'migrate-auth',
      { MIGRATION_PASSWORD_FILE: '/run/secrets/cart_migrator_password' },
      'MIGRATION_PASSWORD MIGRATION_PASSWORD_FILE names /run/secrets/cart_migrator_password, which does not exist',
    ],
  ])('is found wrong with %s', (_, container, change, finding) => {
    const compose = readCompose()
    Object.assign(containerOf(compose, container).environment ?? {}, change)
    const found = services
      .filter(({ service }) => service === 'auth')
      .flatMap((auth) => environmentFindings(compose, auth, secrets.path))
    expect(found).toContainEqual(expect.stringContaining(`${container}: ${finding}`))
  })

  test('mounts each secret where it is read and nowhere else', () => {
    const expected = names.flatMap((name) => [
      [`${name}_app_password`, [name, `provision-${name}`].sort()],
      [`${name}_migrator_password`, [`migrate-${name}`, `provision-${name}`]],
      [`${name}_health_token`, [name, 'prometheus'].sort()],
    ])
    const compose = readCompose()
    expect({ findings: secretFindings(compose), holders: secretHolders(compose) }).toEqual({
      findings: [],
      holders: {
        postgres_password: ['postgres'],
        grafana_admin_password: ['grafana'],
        database_admin_url: names.map((name) => `provision-${name}`).sort(),
        ...Object.fromEntries(expected),
      },
    })
  })

  test('is found wrong with a secret too many, too few or misspelt', () => {
    const compose = readCompose()
    containerOf(compose, 'auth').secrets?.push('cart_app_password')
    containerOf(compose, 'cart').secrets = ['cart_app_pasword']
    expect(secretFindings(compose)).toEqual([
      'auth has no use for cart_app_password',
      'cart lacks cart_app_password',
      'cart lacks cart_health_token',
      'cart has no use for cart_app_pasword',
      'cart_app_pasword is not declared',
    ])
  })

  test('lets each container reach the server, but not the monitoring, and a service only those that it calls', () => {
    const compose = readCompose()
    const monitoring = profileOf(compose, 'monitoring')
    const pairs = [...neighbours(compose)]
    const strangers = names.flatMap((name) =>
      names.filter((other) => other !== name).flatMap((other) => stepsOf(other).map((step) => [name, step])),
    )
    expect({
      alone: Object.keys(compose.services).filter(
        (name) => name !== 'postgres' && !pairs.includes([name, 'postgres'].sort().join(' – ')),
      ),
      met: [...new Set(strangers.map((pair) => pair.sort().join(' – ')))].filter((pair) =>
        pairs.includes(pair),
      ),
      open: containerOf(compose, 'postgres').networks.filter(
        (name) => compose.networks[name]?.internal !== true,
      ),
      published: containerOf(compose, 'postgres').ports ?? [],
    }).toEqual({
      alone: monitoring,
      met: ['auth – product', 'auth – cart', 'cart – product'],
      open: [],
      published: [],
    })
  })

  test('lets cart call product, and both call auth, where those listen, and no other service any', () => {
    const portOf = (name: string) => services.find(({ service }) => service === name)?.port
    expect(callsOf(readCompose(), names)).toEqual([
      `product – auth:${portOf('auth')}`,
      `cart – product:${portOf('product')}`,
      `cart – auth:${portOf('auth')}`,
    ])
  })

  test('is found wrong when cart does not know where product is', () => {
    const compose = readCompose()
    delete containerOf(compose, 'cart').environment?.PRODUCT_URL
    const found = services
      .filter(({ service }) => service === 'cart')
      .flatMap((cart) => environmentFindings(compose, cart, secrets.path))
    expect(found).toEqual(['cart: PRODUCT_URL is required'])
  })

  test('is found wrong when two services share a network', () => {
    const compose = readCompose()
    containerOf(compose, 'cart').networks.push('auth-database')
    expect(neighbours(compose)).toContain('auth – cart')
  })
})
