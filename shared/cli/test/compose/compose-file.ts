import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../../src/workspace/packages.ts'

/** What the tests read of one container of docker-compose.yml; anchors are resolved. */
export interface Container {
  image: string
  build?: { context: string; dockerfile: string; target: string; args?: Record<string, string> }
  command?: string[]
  environment?: Record<string, string>
  secrets?: string[]
  networks: string[]
  ports?: string[]
  depends_on?: Record<string, { condition: string }>
  profiles?: string[]
  healthcheck?: { test: string[] }
  volumes?: string[]
  init?: boolean
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  restart: string
  stop_grace_period?: string
}

/** docker-compose.yml. */
export interface ComposeFile {
  services: Record<string, Container>
  networks: Record<string, { internal?: boolean }>
  volumes: Record<string, object>
  secrets: Record<string, { file: string }>
}

/** Reads docker-compose.yml again, so that a test may change the result. */
export function readCompose(): ComposeFile {
  return Bun.YAML.parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8')) as ComposeFile
}

/** A container by its name. @throws {Error} There is none. */
export function containerOf(compose: ComposeFile, name: string): Container {
  const container = compose.services[name]
  if (container === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
  return container
}

/** `15s` in ms. */
export function durationMs(text: string | undefined): number {
  const found = /^(\d+)(s|m)$/.exec(text ?? '')
  if (found === null) throw new Error(`${text} is no duration in s or m`)
  return Number(found[1]) * (found[2] === 'm' ? 60_000 : 1_000)
}

/** A service's containers: its own and the steps that prepare its database. */
export function stepsOf(service: string): string[] {
  return [service, `migrate-${service}`, `provision-${service}`]
}

/** The containers that only a profile starts. */
export function profileOf(compose: ComposeFile, profile: string): string[] {
  return Object.keys(compose.services).filter((name) => compose.services[name]?.profiles?.includes(profile))
}
