import { describe, expect, test } from 'bun:test'
import { findServices } from '../../src/workspace/services.ts'
import { variablesOf } from './environment.ts'
import { build } from './kustomization.ts'
import { type Manifest, manifestOf, podOf } from './manifests.ts'
import { type Party, waysOf } from './network.ts'

const services = await findServices([])
const names = services.map(({ service }) => service)

const outside: readonly Party[] = [
  { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ports: [{ port: 53 }] },
  { name: 'api', namespace: null, labels: {}, ports: [{ port: 443 }, { port: 6443 }] },
  { name: 'prometheus', namespace: 'monitoring', labels: {}, ports: [] },
  { name: 'gateway', namespace: 'ingress-nginx', labels: {}, ports: [] },
  {
    name: 'operator',
    namespace: 'cnpg-system',
    labels: { 'app.kubernetes.io/name': 'cloudnative-pg' },
    ports: [{ port: 9443 }],
  },
  { name: 'stranger', namespace: 'default', labels: { 'cnpg.io/cluster': 'auth-db' }, ports: [{ port: 80 }] },
]

/** A pod of the same namespace that no policy is about. */
const newcomer: Party = {
  name: 'newcomer',
  namespace: 'database-connections',
  labels: {},
  ports: [{ port: 80 }],
}

/** Which service calls which, by the addresses in their environments: `cart → product:8002`. */
function callsOf(documents: readonly Manifest[]): string[] {
  return names.flatMap((name) =>
    Object.values(variablesOf(podOf(documents, name), documents))
      .map((value) => /^https?:\/\/([^/:]+:\d+)$/.exec(value)?.[1])
      .filter((address) => address !== undefined)
      .map((address) => `${name} → ${address}`),
  )
}

/** Everything that somebody in the namespace needs, and nothing else. */
function needsOf(documents: readonly Manifest[]): string[] {
  return [
    ...callsOf(documents),
    `${newcomer.name} → dns:53`,
    ...services.flatMap(({ service: name, port }) => [
      ...[name, `provision-${name}`, `migrate-${name}`].flatMap((pod) => [
        `${pod} → ${name}-db:5432`,
        `${pod} → dns:53`,
      ]),
      ...['dns:53', 'api:443', 'api:6443', `${name}-db:5432`, `${name}-db:8000`].map(
        (other) => `${name}-db → ${other}`,
      ),
      `prometheus → ${name}:${port}`,
      `gateway → ${name}:${port}`,
      `prometheus → ${name}-db:9187`,
      `operator → ${name}-db:8000`,
      `operator → ${name}-db:5432`,
    ]),
  ]
}

/** The ways into the namespace, out of it and within; those between others are not its affair. */
function openWays(documents: readonly Manifest[]): string[] {
  const others = outside.map(({ name }) => name)
  const isOutside = (name: string): boolean => others.includes(name)
  return waysOf(documents, [...outside, newcomer]).filter((way) => {
    const [from = '', to = ''] = way.split(' → ').map((end) => end.replace(/:\d+$/, ''))
    return !(isOutside(from) && isOutside(to))
  })
}

describe('services/deploy', () => {
  test('lets pods reach what they need, each service those that it calls and its own database, and nobody else', () => {
    const { documents } = build()
    expect(openWays(documents).sort()).toEqual(needsOf(documents).sort())
  })

  test('lets cart call product, and both call auth, where those listen, and no other service any', () => {
    const portOf = (name: string) => services.find(({ service }) => service === name)?.port
    const { documents } = build()
    expect(callsOf(documents)).toEqual([
      `product → auth:${portOf('auth')}`,
      `cart → product:${portOf('product')}`,
      `cart → auth:${portOf('auth')}`,
    ])
    for (const name of ['auth', 'product'])
      expect(manifestOf(documents, 'Service', name).spec?.ports?.[0]?.port).toBe(portOf(name))
  })

  test.each([
    ['without the policy that denies', 'default-deny', 'stranger → newcomer:80', true],
    ['without the way of cart to product', 'cart-to-product', 'cart → product:8002', false],
    ['without the way of product to auth', 'product-to-auth', 'product → auth:8001', false],
    ['without the way into auth', 'auth-from-services', 'cart → auth:8001', false],
    ['without the way into product', 'product-from-cart', 'cart → product:8002', false],
    ['without the way to a database', 'auth-to-database', 'migrate-auth → auth-db:5432', false],
    ['without names', 'to-dns', 'cart → dns:53', false],
  ])('is found wrong %s', (_, policy, way, isOpen) => {
    const documents = build().documents.filter(({ metadata }) => metadata?.name !== policy)
    const open = openWays(documents)
    expect(open.includes(way)).toBe(isOpen)
    expect(open.sort()).not.toEqual(needsOf(documents).sort())
  })

  test('is found wrong when a service may reach the database of another', () => {
    const { documents } = build()
    const policy = manifestOf(documents, 'NetworkPolicy', 'cart-to-database')
    const [rule] = policy.spec?.egress ?? []
    Object.assign(rule?.to?.[0]?.podSelector ?? {}, { matchLabels: {} })
    const other = manifestOf(documents, 'NetworkPolicy', 'auth-database')
    Object.assign(other.spec?.ingress?.[0]?.from?.[0]?.podSelector ?? {}, { matchLabels: {} })
    expect(openWays(documents)).toContain('cart → auth-db:5432')
  })
})
