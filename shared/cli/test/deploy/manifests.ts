import type { ICluster } from '@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/Cluster'
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment'
import type { IJob } from 'kubernetes-models/batch/v1/Job'
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap'
import type { IContainer } from 'kubernetes-models/v1/Container'
import type { INamespace } from 'kubernetes-models/v1/Namespace'
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec'
import type { IService } from 'kubernetes-models/v1/Service'
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount'

/** Every kind of document that services/deploy has. */
export type Manifest =
  | ICluster
  | IConfigMap
  | IDeployment
  | IJob
  | INamespace
  | INetworkPolicy
  | IPodDisruptionBudget
  | IService
  | IServiceAccount

type Kind = Manifest['kind']
type OfKind<K extends Kind> = Extract<Manifest, { kind: K }>

/** The documents of a kind. */
export function ofKind<K extends Kind>(documents: readonly Manifest[], kind: K): OfKind<K>[] {
  return documents.filter((document): document is OfKind<K> => document.kind === kind)
}

/** A document by its kind and name. @throws {Error} There is none. */
export function manifestOf<K extends Kind>(
  documents: readonly Manifest[],
  kind: K,
  name: string | undefined,
): OfKind<K> {
  const found = ofKind(documents, kind).find(({ metadata }) => metadata?.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}

/** The name of a document with its kind: `Job migrate-auth`. */
export const titleOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata?.name}`

/** What a Deployment or a Job runs. */
export interface Pod {
  /** Of the Deployment or the Job. */
  readonly name: string
  readonly namespace: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly spec: IPodSpec
  readonly container: IContainer
}

/** The pods of every Deployment and Job; each has one container. @throws {Error} One has another number of them. */
export function podsOf(documents: readonly Manifest[]): Pod[] {
  return [...ofKind(documents, 'Deployment'), ...ofKind(documents, 'Job')].map((document) => {
    const { metadata, spec } = document
    const pod = spec?.template.spec
    const [container, ...more] = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
    if (pod === undefined || container === undefined || more.length > 0)
      throw new Error(`${titleOf(document)} has not one container`)
    return {
      name: metadata?.name ?? '',
      namespace: metadata?.namespace,
      labels: spec?.template.metadata?.labels ?? {},
      spec: pod,
      container,
    }
  })
}

/** A pod by the name of its Deployment or Job. @throws {Error} There is none. */
export function podOf(documents: readonly Manifest[], name: string): Pod {
  const pod = podsOf(documents).find((found) => found.name === name)
  if (pod === undefined) throw new Error(`there is no pod of ${name}`)
  return pod
}
