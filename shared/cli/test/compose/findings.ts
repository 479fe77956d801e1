import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { repositoryRoot } from '../../src/workspace/packages.ts'
import type { Service } from '../../src/workspace/services.ts'
import { type StepEnvironment, environmentFindings as stepFindings } from '../step-environments.ts'
import { type ComposeFile, type Container, containerOf } from './compose-file.ts'

const mounted = '/run/secrets/'
const adminVariable = 'DATABASE_ADMIN_URL_FILE'

/** What is wrong with the environments of a service's three containers; each is really read, its secrets from a folder. */
export function environmentFindings(compose: ComposeFile, service: Service, secretFolder: string): string[] {
  const step = (name: string): StepEnvironment => {
    const container = containerOf(compose, name)
    const given = Object.keys(container.environment ?? {})
    return { name, given, environment: environmentOf(container, secretFolder) }
  }
  return stepFindings(service, {
    service: step(service.service),
    migrate: step(`migrate-${service.service}`),
    provision: step(`provision-${service.service}`),
  })
}

/** What the program in a container sees, the image's own variables included; only what is mounted can be read. */
export function environmentOf(container: Container, secretFolder: string): Record<string, string> {
  const given = Object.entries(container.environment ?? {}).filter(([name]) => name !== adminVariable)
  const replaced = given.map(([name, value]) => {
    const secret = secretOf(value)
    return [
      name,
      container.secrets?.includes(secret ?? '') ? join(secretFolder, secret ?? '') : String(value),
    ]
  })
  const port = container.build?.args?.PORT
  return {
    NODE_ENV: 'production',
    ...(port === undefined ? {} : { PORT: port }),
    ...Object.fromEntries(replaced),
  }
}

/** Secrets that a container refers to without having them, or has without referring to them, or that do not exist. */
export function secretFindings(compose: ComposeFile): string[] {
  const declared = Object.keys(compose.secrets)
  const containers = Object.entries(compose.services)
  const findings = containers.flatMap(([name, { environment = {}, secrets = [] }]) => {
    const inFiles = name === 'prometheus' ? scrapeSecrets() : []
    const referred = [...Object.values(environment).flatMap((value) => secretOf(value) ?? []), ...inFiles]
    return [
      ...referred.filter((secret) => !secrets.includes(secret)).map((secret) => `${name} lacks ${secret}`),
      ...secrets
        .filter((secret) => !referred.includes(secret))
        .map((secret) => `${name} has no use for ${secret}`),
      ...secrets.filter((secret) => !declared.includes(secret)).map((secret) => `${secret} is not declared`),
    ]
  })
  const used = containers.flatMap(([, { secrets = [] }]) => secrets)
  const unused = declared.filter((secret) => !used.includes(secret))
  const misnamed = declared.filter((secret) => basename(compose.secrets[secret]?.file ?? '') !== secret)
  return [
    ...findings,
    ...unused.map((secret) => `no container uses ${secret}`),
    ...misnamed.map((secret) => `${secret} comes from a file of another name`),
  ]
}

/** The containers that can read each secret. */
export function secretHolders(compose: ComposeFile): Record<string, string[]> {
  const holders = (secret: string): string[] =>
    Object.keys(compose.services).filter((name) => compose.services[name]?.secrets?.includes(secret))
  return Object.fromEntries(Object.keys(compose.secrets).map((secret) => [secret, holders(secret).sort()]))
}

/** Which service calls which other one, by the addresses in their environments: `cart – product:8002`. */
export function callsOf(compose: ComposeFile, names: readonly string[]): string[] {
  return names.flatMap((name) =>
    Object.values(containerOf(compose, name).environment ?? {})
      .map((value) => /^https?:\/\/([^/:]+:\d+)$/.exec(String(value))?.[1])
      .filter((address) => address !== undefined)
      .map((address) => `${name} – ${address}`),
  )
}

/** Pairs of containers that can reach each other. */
export function neighbours(compose: ComposeFile): Set<string> {
  const pairs = Object.values(compose.services).flatMap((left, index, all) =>
    all.slice(index + 1).flatMap((right) => {
      if (!left.networks.some((network) => right.networks.includes(network))) return []
      return [
        [left, right]
          .map((container) => nameOf(compose, container))
          .sort()
          .join(' – '),
      ]
    }),
  )
  return new Set(pairs)
}

function nameOf(compose: ComposeFile, container: Container): string {
  return Object.keys(compose.services).find((name) => compose.services[name] === container) ?? ''
}

function secretOf(value: string): string | undefined {
  return String(value).startsWith(mounted) ? value.slice(mounted.length) : undefined
}

/** What Prometheus reads from secrets, by its configuration. */
function scrapeSecrets(): string[] {
  const text = readFileSync(join(repositoryRoot, 'shared/monitoring/prometheus/prometheus.yml'), 'utf8')
  return [...text.matchAll(/credentials_file: \/run\/secrets\/(\w+)/g)].map(([, secret = '']) => secret)
}
