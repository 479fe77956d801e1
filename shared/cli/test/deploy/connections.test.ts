import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createServiceEnv } from '@shared/env'
import { rolesOf } from '../../src/databases/provisioning.ts'
import { findServices, type Service } from '../../src/workspace/services.ts'
import { type MountFolder, makeMounts, secretsOf } from './environment.ts'
import { build, deployFolder } from './kustomization.ts'
import { type Manifest, manifestOf, podOf } from './manifests.ts'

const services = await findServices([])
const named = services.map((service) => [service.service, service] as const)
let mounts: MountFolder

beforeAll(() => {
  mounts = makeMounts(secretsOf(services.map(({ service }) => service)))
})
afterAll(() => mounts.remove())

/** PostgreSQL's superuser_reserved_connections. */
const reserved = 3
/** A provisioner has two, a migration one. */
const forJobs = 3
/** For the operator's instance manager and its metrics. */
const forOperator = 10

/** What is wrong with the numbers of connections of a service. */
function connectionFindings(documents: readonly Manifest[], service: Service): string[] {
  const { service: name } = service
  const read = (pod: string) => mounts.environmentOf(podOf(documents, pod), documents)
  const env = createServiceEnv({ ...service, environment: read(name) })
  const { app } = rolesOf({ service, environment: read(`provision-${name}`), external: true })
  const { replicas } = manifestOf(documents, 'Deployment', name).spec ?? {}
  const { parameters } = manifestOf(documents, 'Cluster', `${name}-db`).spec.postgresql ?? {}
  const maximum = Number(parameters?.max_connections)
  const each = env.DATABASE_POOL_SIZE + env.DATABASE_MAX_OVERFLOW + 1
  // Old and new pods of a rollout run side by side.
  const opened = 2 * Number(replicas) * each
  const needed = app.connectionLimit + reserved + forJobs + forOperator
  return [
    ...(env.DATABASE_REPLICAS === replicas
      ? []
      : [`${name}: DATABASE_REPLICAS is ${env.DATABASE_REPLICAS}, and there are ${replicas} pods`]),
    ...(opened <= app.connectionLimit
      ? []
      : [`${name}: its pods may open ${opened}, its role may have ${app.connectionLimit}`]),
    ...(needed <= maximum ? [] : [`${name}-db: needs ${needed} connections, max_connections is ${maximum}`]),
  ]
}

describe('services/deploy', () => {
  test.each(named)(
    'lets the pods of %s open no more connections than its role may have, and its role no more than its Cluster has',
    (name, service) => {
      expect({
        base: connectionFindings(build(`${deployFolder}/base/${name}`).documents, service),
        production: connectionFindings(build().documents, service),
      }).toEqual({ base: [], production: [] })
    },
  )

  test.each<[string, (documents: Manifest[]) => void, RegExp]>([
    [
      'more pods',
      (documents) =>
        Object.assign(manifestOf(documents, 'Deployment', 'auth').spec ?? {}, { replicas: 1000 }),
      /^auth: its pods may open \d+, its role may have \d+$/,
    ],
    [
      'pods that are not counted',
      (documents) => delete manifestOf(documents, 'ConfigMap', 'auth').data?.DATABASE_REPLICAS,
      /^auth: DATABASE_REPLICAS is 1, and there are \d+ pods$/,
    ],
    [
      'a larger pool',
      (documents) =>
        Object.assign(manifestOf(documents, 'ConfigMap', 'auth').data ?? {}, { DATABASE_POOL_SIZE: '1000' }),
      /^auth-db: needs \d+ connections, max_connections is \d+$/,
    ],
    [
      'a role with a lower limit',
      (documents) =>
        podOf(documents, 'provision-auth').container.env?.push({ name: 'DATABASE_POOL_SIZE', value: '1' }),
      /^auth: its pods may open \d+, its role may have \d+$/,
    ],
    [
      'a smaller Cluster',
      (documents) =>
        Object.assign(manifestOf(documents, 'Cluster', 'auth-db').spec.postgresql?.parameters ?? {}, {
          max_connections: '10',
        }),
      /^auth-db: needs \d+ connections, max_connections is 10$/,
    ],
  ])('is found wrong with %s', (_, change, finding) => {
    const { documents } = build()
    change(documents)
    const found = services
      .filter(({ service }) => service === 'auth')
      .flatMap((service) => connectionFindings(documents, service))
    expect(found).toContainEqual(expect.stringMatching(finding))
  })
})
