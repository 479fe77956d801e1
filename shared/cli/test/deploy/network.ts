import type { INetworkPolicyPeer } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicyPeer'
import type { INetworkPolicyPort } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicyPort'
import { type Manifest, ofKind, podsOf } from './manifests.ts'

/** Somebody in the network: pods with the same labels, or an address that no selector matches. */
export interface Party {
  readonly name: string
  /** By its name, which is a label of it; null outside the cluster. */
  readonly namespace: string | null
  readonly labels: Readonly<Record<string, string>>
  /** Where it listens; ports of containers have names. */
  readonly ports: readonly { readonly port: number; readonly name?: string }[]
}

/** The pods of the documents: of each Deployment, Job and Cluster. */
export function partiesOf(documents: readonly Manifest[]): Party[] {
  const pods = podsOf(documents).map(({ name, namespace = '', labels, container }) => {
    const ports = (container.ports ?? []).map(({ containerPort, name: port }) => ({
      port: containerPort,
      name: port,
    }))
    return { name, namespace, labels, ports }
  })
  const databases = ofKind(documents, 'Cluster').map(({ metadata: { name = '', namespace = '' } }) => ({
    name,
    namespace,
    labels: { 'cnpg.io/cluster': name },
    // PostgreSQL, the instance manager's status, its metrics.
    ports: [5432, 8000, 9187].map((port) => ({ port })),
  }))
  return [...pods, ...databases]
}

/** Every way that the NetworkPolicies of the documents leave open: `cart → product:8002`. */
export function waysOf(documents: readonly Manifest[], outside: readonly Party[]): string[] {
  const parties = [...partiesOf(documents), ...outside]
  return parties.flatMap((from) =>
    parties.flatMap((to) =>
      to.ports
        .filter(
          ({ port }) =>
            allows(documents, 'Egress', { of: from, peer: to, server: to, port }) &&
            allows(documents, 'Ingress', { of: to, peer: from, server: to, port }),
        )
        .map(({ port }) => `${from.name} → ${to.name}:${port}`),
    ),
  )
}

type Direction = 'Ingress' | 'Egress'

interface Connection {
  /** Whose policies decide. */
  readonly of: Party
  readonly peer: Party
  /** Who listens; named ports are its own. */
  readonly server: Party
  readonly port: number
}

/** A pod that no policy of this direction selects is open; else one of them has to allow it. */
function allows(documents: readonly Manifest[], direction: Direction, connection: Connection): boolean {
  const { of, peer, server, port } = connection
  const policies = ofKind(documents, 'NetworkPolicy').filter(
    ({ metadata, spec }) =>
      metadata?.namespace === of.namespace &&
      spec?.policyTypes?.includes(direction) &&
      selects(spec.podSelector, of.labels),
  )
  if (policies.length === 0) return true
  return policies.some(({ metadata, spec }) => {
    const rules =
      direction === 'Ingress'
        ? spec?.ingress?.map(({ from, ports }) => ({ peers: from, ports }))
        : spec?.egress?.map(({ to, ports }) => ({ peers: to, ports }))
    return rules?.some(
      ({ peers, ports }) =>
        (peers === undefined || peers.some((selector) => isPeer(selector, peer, metadata?.namespace))) &&
        (ports === undefined || ports.some((allowed) => isPort(allowed, server, port))),
    )
  })
}

type Selector = NonNullable<INetworkPolicyPeer['podSelector']>

function isPeer(peer: INetworkPolicyPeer, party: Party, own: string | undefined): boolean {
  const { namespaceSelector, podSelector, ipBlock } = peer
  if (ipBlock !== undefined) throw new Error('blocks of addresses are not read here')
  if (party.namespace === null) return false
  const namespace = { 'kubernetes.io/metadata.name': party.namespace }
  const isThere =
    namespaceSelector === undefined ? party.namespace === own : selects(namespaceSelector, namespace)
  return isThere && (podSelector === undefined || selects(podSelector, party.labels))
}

function isPort({ port: allowed, endPort }: INetworkPolicyPort, server: Party, port: number): boolean {
  if (endPort !== undefined) throw new Error('ranges of ports are not read here')
  const named = server.ports.find(({ name }) => name !== undefined && name === allowed)
  return (named?.port ?? allowed) === port
}

function selects(selector: Selector | undefined, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator }) => {
      if (operator !== 'Exists') throw new Error(`${operator} is not read here`)
      return key in labels
    })
  )
}
