import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ServiceDefinition } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import { parseCompose } from '../compose/compose-file.ts'
import { preferredPort } from '../databases/admin-server.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { findServices } from '../workspace/services.ts'
import { addToCompose } from './compose.ts'
import { checkName, choosePort } from './rules.ts'
import { deployFiles, deployFolders, type NewFile, serviceFiles, servicePart } from './templates.ts'

/** A file that exists, with its new text. */
export interface Change extends NewFile {
  readonly before: string
}

/** A service to be made, and what to write for it, by paths from the repository's root. */
export interface Plan {
  readonly definition: ServiceDefinition
  readonly root: string
  /** Folders that must not exist; everything created is in one of them. */
  readonly folders: readonly string[]
  readonly created: readonly NewFile[]
  readonly changed: readonly Change[]
  /** Files that an install may change: they are restored as well. */
  readonly touched: readonly string[]
}

const lockfile = 'bun.lock'
/** Ends with the list of the services. */
export const productionOverlay = 'services/deploy/overlays/production/kustomization.yaml'
/** Both end with the list of what is scraped. */
export const scrapeConfigs = ['prometheus.yml', 'prometheus.dev.yml'].map(
  (name) => `shared/monitoring/prometheus/${name}`,
)

/**
 * Works out everything a new service needs, and changes nothing.
 *
 * @param options.port As given. Default: the lowest free one from 8001 on.
 * @param options.allowDirty Whether files to be changed may have uncommitted changes. Default false.
 * @throws {UsageError} Name or port is not valid, or taken.
 * @throws {CommandError} A file that would be changed has uncommitted changes, or has not the expected form.
 */
export async function planService(options: {
  name: string
  port?: string
  allowDirty?: boolean
  root?: string
}): Promise<Plan> {
  const { name, root = repositoryRoot } = options
  const services = await findServices([], root)
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  const compose = read('docker-compose.yml')
  const localPort = preferredPort(services)
  const taken = { services, compose: parseCompose(compose), localPort, root }
  checkName(name, taken)
  const definition = { service: name, database: `${name}_db`, port: choosePort(options.port, taken) }

  const change = (path: string, text: (before: string) => string): Change => {
    const before = read(path)
    return { path, before, text: text(before) }
  }
  const isDeployed = existsSync(join(root, productionOverlay))
  const changed = [
    change('docker-compose.yml', (text) => addToCompose(text, services, definition)),
    change('README.md', (text) => addToReadme(text, definition)),
    ...scrapeConfigs
      .filter((file) => existsSync(join(root, file)))
      .map((file) => change(file, (text) => text + servicePart(`monitoring/${basename(file)}`, definition))),
    ...(isDeployed ? [change(productionOverlay, (text) => `${text}  - ${name}\n`)] : []),
  ].filter(({ before, text }) => before !== text)
  const folders = [
    `drizzle/${name}`,
    `services/${name}`,
    ...(isDeployed ? Object.values(deployFolders(name)) : []),
  ]
  if (options.allowDirty !== true) {
    refuseUncommitted(root, [...changed.map(({ path }) => path), lockfile, ...folders])
  }
  const created = [...serviceFiles(definition, localPort), ...(isDeployed ? deployFiles(definition) : [])]
  return { definition, root, folders, created, changed, touched: [lockfile] }
}

/** Changes that git could not separate from those of the new service; none where there is no git. */
export function refuseUncommitted(
  root: string,
  paths: readonly string[],
  where = 'where this command would write',
): void {
  const { exitCode, stdout } = Bun.spawnSync(['git', 'status', '--porcelain', '--', ...paths], {
    cwd: root,
    stderr: 'ignore',
  })
  const dirty = stdout.toString().trimEnd()
  if (exitCode !== 0 || dirty === '') return
  throw new CommandError(
    `there are uncommitted changes ${where}:\n${dirty}\nCommit them first, or give --allow-dirty.`,
  )
}

/** A row of the table of services in README.md. */
export const readmeRow = /^\| \w+ \| http:\/\/127\.0\.0\.1:\d+ \| `\w+` \|.*\n/gm

/** Adds a row to the table of services; a README without such a table stays as it is. */
function addToReadme(text: string, { service, database, port }: ServiceDefinition): string {
  const last = [...text.matchAll(readmeRow)].at(-1)
  if (last === undefined) return text
  const end = last.index + last[0].length
  return `${text.slice(0, end)}| ${service} | http://127.0.0.1:${port} | \`${database}\` | items |\n${text.slice(end)}`
}
