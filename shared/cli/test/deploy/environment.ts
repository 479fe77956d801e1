import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeSecrets } from '../../src/deploy/secrets.ts'
import type { Service } from '../../src/workspace/services.ts'
import { type StepEnvironment, environmentFindings as stepFindings } from '../step-environments.ts'
import { type Manifest, manifestOf, type Pod, podOf, podsOf } from './manifests.ts'

/** Every Secret that the manifests may take: `Secret/key`, with its value. */
export type SecretValues = Readonly<Record<string, string>>

/** The Secrets of services: those that this project makes, and of the operator's the authority without its key. */
export function secretsOf(services: readonly string[]): SecretValues {
  const entries = services.flatMap((service) => [
    [`${service}-db-ca/ca.crt`, 'a certificate'],
    ...makeSecrets(service).flatMap(({ metadata, stringData }) =>
      Object.entries(stringData).map(([key, value]) => [`${metadata.name}/${key}`, value]),
    ),
  ])
  return Object.fromEntries(entries)
}

/** What a container is given, secrets as the paths that they are mounted at. @throws {Error} A ConfigMap is missing. */
export function variablesOf({ container }: Pod, documents: readonly Manifest[]): Record<string, string> {
  const maps = (container.envFrom ?? []).map(
    ({ configMapRef }) => manifestOf(documents, 'ConfigMap', configMapRef?.name).data ?? {},
  )
  const own = (container.env ?? []).map(({ name, value = '' }) => [name, value])
  return Object.assign({}, ...maps, Object.fromEntries(own))
}

/** The files that a container sees, by path: `Secret/key` of each. */
export function mountsOf({ spec, container }: Pod): Record<string, string> {
  const mounts = (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath }) => {
    const volume = spec.volumes?.find((found) => found.name === name)
    const secrets = volume?.projected?.sources?.flatMap(({ secret }) => secret ?? []) ?? []
    return secrets.flatMap((secret) =>
      (secret.items ?? []).map(({ key, path }) => [
        join(mountPath, subPath ?? '', path),
        `${secret.name}/${key}`,
      ]),
    )
  })
  return Object.fromEntries(mounts)
}

/** What Node's own variables do is not known to the schema of a service. */
const ofNode = ['NODE_EXTRA_CA_CERTS']
const admin = 'DATABASE_ADMIN_URL_FILE'

/** A folder with the files that containers see. */
export interface MountFolder {
  /** What a service's program in a container reads: the image's own variables too, and the files that are mounted. */
  environmentOf(pod: Pod, documents: readonly Manifest[], service?: Service): Record<string, string>
  remove(): void
}

/** Makes the folder; what is in none of the Secrets is mounted nowhere. */
export function makeMounts(secrets: SecretValues): MountFolder {
  const root = mkdtempSync(join(tmpdir(), 'mounts-'))
  return {
    environmentOf(pod, documents, service) {
      const mounts = mountsOf(pod)
      const variables = Object.entries(variablesOf(pod, documents)).map(([name, value]) => {
        const secret = mounts[value]
        const content = secret === undefined ? undefined : secrets[secret]
        if (content === undefined) return [name, value]
        const file = join(root, pod.name, value)
        mkdirSync(join(file, '..'), { recursive: true })
        writeFileSync(file, content)
        return [name, file]
      })
      // As the CLI hides it from what it reads for a service.
      const { [admin]: _, ...environment } = Object.fromEntries(variables)
      const port = service === undefined ? {} : { PORT: String(service.port) }
      return { NODE_ENV: 'production', ...port, ...environment }
    },
    remove: () => rmSync(root, { recursive: true }),
  }
}

/** What is wrong with the environments of a service and of its two Jobs; each is really read. */
export function environmentFindings(
  documents: readonly Manifest[],
  service: Service,
  mounts: MountFolder,
): string[] {
  const step = (pod: Pod, image?: Service): StepEnvironment => {
    const given = Object.keys(variablesOf(pod, documents)).filter((name) => !ofNode.includes(name))
    return { name: pod.name, given, environment: mounts.environmentOf(pod, documents, image) }
  }
  const { service: name } = service
  return stepFindings(service, {
    service: step(podOf(documents, name), service),
    migrate: step(podOf(documents, `migrate-${name}`)),
    provision: step(podOf(documents, `provision-${name}`)),
  })
}

/** Files that a container is told of without having them, or has without being told, or that no Secret has. */
export function mountFindings(documents: readonly Manifest[], secrets: SecretValues): string[] {
  return podsOf(documents).flatMap((pod) => {
    const mounts = mountsOf(pod)
    const named = Object.values(variablesOf(pod, documents)).filter((value) => value.startsWith('/'))
    return [
      ...named.filter((path) => !(path in mounts)).map((path) => `${pod.name} lacks ${path}`),
      ...Object.keys(mounts)
        .filter((path) => !named.includes(path))
        .map((path) => `${pod.name} has no use for ${path}`),
      ...Object.values(mounts)
        .filter((secret) => !(secret in secrets))
        .map((secret) => `${pod.name} takes ${secret}, which is in no Secret`),
    ]
  })
}

/** The pods that see each key of a Secret. */
export function holdersOf(documents: readonly Manifest[]): Record<string, string[]> {
  const holders: Record<string, string[]> = {}
  for (const pod of podsOf(documents))
    for (const secret of Object.values(mountsOf(pod)))
      holders[secret] = [...(holders[secret] ?? []), pod.name]
  return holders
}
