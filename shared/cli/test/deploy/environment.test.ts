import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { makeSecrets } from '../../src/deploy/secrets.ts'
import { findServices } from '../../src/workspace/services.ts'
import {
  environmentFindings,
  holdersOf,
  type MountFolder,
  makeMounts,
  mountFindings,
  secretsOf,
  variablesOf,
} from './environment.ts'
import { build } from './kustomization.ts'
import { type Manifest, manifestOf, podOf } from './manifests.ts'

const services = await findServices([])
const names = services.map(({ service }) => service)
const named = services.map((service) => [service.service, service] as const)
const secrets = secretsOf(names)
let mounts: MountFolder

beforeAll(() => {
  mounts = makeMounts(secrets)
})
afterAll(() => mounts.remove())

const findingsOf = (documents: readonly Manifest[], name: string): string[] =>
  services
    .filter(({ service }) => service === name)
    .flatMap((service) => environmentFindings(documents, service, mounts))

describe('services/deploy', () => {
  test.each(named)('gives %s and its Jobs environments that their own readers accept', (_name, service) => {
    expect(environmentFindings(build().documents, service, mounts)).toEqual([])
  })

  test.each([
    ['a variable that does not exist', 'auth', { DATABASE_POOLSIZE: '5' }, 'DATABASE_POOLSIZE is not known'],
    ['an unknown variable', 'auth', { LOGLEVEL: 'info' }, 'LOGLEVEL is not known'],
    ["another service's database", 'auth', { DATABASE_NAME: 'cart_db' }, 'DATABASE_NAME auth owns auth_db'],
    ['a value that is wrong', 'auth', { SHUTDOWN_TIMEOUT: '20s' }, 'SHUTDOWN_TIMEOUT must be'],
    ["the migrator's login in the service", 'auth', { MIGRATION_USER: 'm' }, 'MIGRATION_USER is not known'],
    ['a password in the open', 'auth', { DATABASE_PASSWORD: 'p' }, 'DATABASE_PASSWORD and DATABASE_PASSWORD'],
    [
      'a secret that is not mounted',
      'migrate-auth',
      { MIGRATION_PASSWORD_FILE: '/run/secrets/app-password' },
      'MIGRATION_PASSWORD MIGRATION_PASSWORD_FILE names /run/secrets/app-password, which does not exist',
    ],
  ])('is found wrong with %s', (_, pod, change, finding) => {
    const { documents } = build()
    const { container } = podOf(documents, pod)
    const changed = Object.entries(change).map(([name, value]) => ({ name, value }))
    container.env = [...(container.env ?? []).filter(({ name }) => !(name in change)), ...changed]
    expect(findingsOf(documents, 'auth')).toContainEqual(expect.stringContaining(`${pod}: ${finding}`))
  })

  test('is found wrong without what only cart needs', () => {
    const { documents } = build()
    delete manifestOf(documents, 'ConfigMap', 'cart').data?.PRODUCT_URL
    expect(findingsOf(documents, 'cart')).toEqual(['cart: PRODUCT_URL is required'])
  })

  test.each(named)(
    'leads %s and its Jobs to the primary of its own Cluster, which holds its own database, over TLS that is verified',
    (name, { database }) => {
      const { documents } = build()
      const cluster = manifestOf(documents, 'Cluster', `${name}-db`)
      const { database: made, owner } = cluster.spec.bootstrap?.initdb ?? {}
      const address = {
        DATABASE_HOST: `${cluster.metadata.name}-rw`,
        DATABASE_NAME: database,
        DATABASE_SSL_MODE: 'verify-full',
        DATABASE_SSL_ROOT_CERT: '/run/secrets/ca.crt',
      }
      const variables = [name, `migrate-${name}`, `provision-${name}`].map((pod) =>
        variablesOf(podOf(documents, pod), documents),
      )
      expect({ made, owner }).toEqual({ made: database, owner: `${name}_owner` })
      for (const given of variables) expect(given).toMatchObject(address)
    },
  )

  test.each(names)(
    'gives %s the same database settings as its provisioner, which sets its connection limit',
    (name) => {
      const { documents } = build()
      const settings = (pod: string) =>
        Object.entries(variablesOf(podOf(documents, pod), documents)).filter(
          ([key]) => key.startsWith('DATABASE_') && key !== 'DATABASE_ADMIN_URL_FILE',
        )
      expect(Object.fromEntries(settings(name))).toEqual(Object.fromEntries(settings(`provision-${name}`)))
    },
  )

  test('mounts each secret where it is read and nowhere else, and never the key of an authority', () => {
    const { documents } = build()
    const expected = names.flatMap((name) => [
      [`${name}/app-password`, [name, `provision-${name}`]],
      [`${name}/health-token`, [name]],
      [`${name}/migrator-password`, [`provision-${name}`, `migrate-${name}`]],
      [`${name}-db-provisioner/url`, [`provision-${name}`]],
      [`${name}-db-ca/ca.crt`, [name, `provision-${name}`, `migrate-${name}`]],
    ])
    expect({ findings: mountFindings(documents, secrets), holders: holdersOf(documents) }).toEqual({
      findings: [],
      holders: Object.fromEntries(expected),
    })
  })

  test('is found wrong with a secret too many, too few or misspelt', () => {
    const { documents } = build()
    const { spec } = podOf(documents, 'auth')
    const items = spec.volumes?.[0]?.projected?.sources?.[0]?.secret?.items ?? []
    items.pop()
    items.push({ key: 'migrator-pasword', path: 'migrator-password' })
    expect(mountFindings(documents, secrets)).toEqual([
      'auth lacks /run/secrets/health-token',
      'auth has no use for /run/secrets/migrator-password',
      'auth takes auth/migrator-pasword, which is in no Secret',
    ])
  })

  test.each(names)(
    'lets the provisioner of %s log in as the role that its Cluster makes, and verify the server',
    (name) => {
      const { documents } = build()
      const cluster = manifestOf(documents, 'Cluster', `${name}-db`)
      const [, secret] = makeSecrets(name)
      const { username = '', password = '', url = '' } = secret.stringData
      const admin = new URL(url)
      const variables = variablesOf(podOf(documents, `provision-${name}`), documents)
      expect({
        roles: cluster.spec.managed?.roles?.map(({ name: role, login, superuser, passwordSecret }) => ({
          role,
          login,
          superuser,
          secret: passwordSecret?.name,
        })),
        byPassword: cluster.spec.enableSuperuserAccess,
        admin: [admin.username, admin.password, admin.host, admin.pathname, ...admin.searchParams],
        authority: variables.NODE_EXTRA_CA_CERTS,
      }).toEqual({
        roles: [{ role: username, login: true, superuser: true, secret: secret.metadata.name }],
        byPassword: false,
        admin: [
          username,
          password,
          `${variables.DATABASE_HOST}:5432`,
          '/postgres',
          ['sslmode', 'verify-full'],
        ],
        authority: variables.DATABASE_SSL_ROOT_CERT,
      })
    },
  )
})
