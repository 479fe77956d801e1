import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ServiceDefinition } from '@shared/env'
import { preferredPort } from './database-server.ts'
import { CommandError } from './errors.ts'
import { addToCompose, parseCompose } from './new-service-compose.ts'
import { addToReadme } from './new-service-readme.ts'
import { checkName, choosePort } from './new-service-rules.ts'
import { serviceFiles, servicePart } from './new-service-templates.ts'
import { type Change, type Changes, writeChanges } from './new-service-write.ts'
import { findServices } from './services.ts'
import { repositoryRoot } from './workspace.ts'

/** A service that is about to be made. */
export interface Plan extends Changes {
  readonly definition: ServiceDefinition
  readonly root: string
}

const lockfile = 'bun.lock'
/** Both end with the list of what is scraped. */
const scrapeConfigs = ['prometheus.yml', 'prometheus.dev.yml'].map(
  (name) => `shared/monitoring/prometheus/${name}`,
)

/**
 * Works out everything a new service needs, and changes nothing.
 *
 * @param options.port As it was typed. Default: the lowest free one from 8001 on.
 * @param options.allowDirty Whether files to be changed may have uncommitted changes. Default false.
 * @throws {UsageError} Name or port will not do.
 * @throws {CommandError} A file that would be changed has uncommitted changes, or is not built as expected.
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
  const changed = [
    change('docker-compose.yml', (text) => addToCompose(text, services, definition)),
    change('README.md', (text) => addToReadme(text, definition)),
    ...scrapeConfigs
      .filter((file) => existsSync(join(root, file)))
      .map((file) => change(file, (text) => text + servicePart(`monitoring/${basename(file)}`, definition))),
  ].filter(({ before, text }) => before !== text)
  const folders = [`drizzle/${name}`, `services/${name}`]
  if (options.allowDirty !== true) {
    refuseUncommitted(root, [...changed.map(({ path }) => path), lockfile, ...folders])
  }
  const created = serviceFiles(definition, localPort)
  return { definition, root, folders, created, changed, touched: [lockfile] }
}

/**
 * Makes the service of a plan, installs and formats it; when that fails or is stopped, nothing of it is left.
 *
 * @throws {CommandError}
 */
export function makeService(plan: Plan, signal?: AbortSignal): Promise<void> {
  const { root, folders, changed } = plan
  const formatted = [...folders, ...changed.map(({ path }) => path).filter((path) => path.endsWith('.yml'))]
  return writeChanges(root, plan, async () => {
    await run(root, ['install'], signal)
    // How a line is broken depends on the length of the name, and a list on how many are in it.
    await run(root, ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', ...formatted], signal)
  })
}

async function run(root: string, words: readonly string[], signal?: AbortSignal): Promise<void> {
  const stopped = () => new CommandError('stopped; nothing was left behind.', { exitCode: 130 })
  if (signal?.aborted) throw stopped()
  const child = Bun.spawn([process.execPath, ...words], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    signal,
  })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (signal?.aborted) throw stopped()
  if (exitCode === 0) return
  throw new CommandError(
    `bun ${words.slice(0, 2).join(' ')} failed; nothing was left behind.\n${`${out}${err}`.trim()}`,
  )
}

/** What git would mix up with the new service's own changes; where there is no git, nothing. */
function refuseUncommitted(root: string, paths: readonly string[]): void {
  const { exitCode, stdout } = Bun.spawnSync(['git', 'status', '--porcelain', '--', ...paths], {
    cwd: root,
    stderr: 'ignore',
  })
  const dirty = stdout.toString().trimEnd()
  if (exitCode !== 0 || dirty === '') return
  throw new CommandError(
    `there are uncommitted changes where this command would write:\n${dirty}\nCommit them first, or give --allow-dirty.`,
  )
}
