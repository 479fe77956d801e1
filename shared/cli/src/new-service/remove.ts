import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CommandError, UsageError } from '../command-line/errors.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { findServices, type Service } from '../workspace/services.ts'
import { lowerConnections, removeFromCompose } from './compose-removal.ts'
import { type Change, productionOverlay, readmeRow, refuseUncommitted, scrapeConfigs } from './plan.ts'
import { deployFolders, servicePart } from './templates.ts'

/** What `new:service` made of a service and is still there, by paths from the repository's root. */
export interface Removal {
  readonly service: Service
  readonly root: string
  readonly folders: readonly string[]
  readonly changed: readonly Change[]
  /** Files of its passwords, which stay. */
  readonly secrets: readonly string[]
}

/**
 * Works out what undoes `new:service`, and changes nothing.
 *
 * @param options.allowDirty Whether what would be removed may have uncommitted changes, which are lost then.
 * @throws {UsageError} There is no such service. {@link CommandError} Others use it, or git has not got all of it.
 */
export async function planRemoval(options: {
  name: string
  allowDirty?: boolean
  root?: string
}): Promise<Removal> {
  const { name, root = repositoryRoot } = options
  const services = await findServices([], root)
  const service = services.find((one) => one.service === name)
  if (service === undefined)
    throw new UsageError(
      `there is no service ${name}: there are ${services.map((one) => one.service).join(', ')}`,
    )
  if (services.length === 1) throw new CommandError(`${name} is the only service: nothing was changed.`)
  const folders = [`services/${name}`, `drizzle/${name}`, ...Object.values(deployFolders(name))].filter(
    (folder) => existsSync(join(root, folder)),
  )
  const change = (path: string, text: (before: string) => string): Change[] => {
    if (!existsSync(join(root, path))) return []
    const before = readFileSync(join(root, path), 'utf8')
    const after = text(before)
    return after === before ? [] : [{ path, before, text: after }]
  }
  const changed = [
    ...change('docker-compose.yml', (text) =>
      lowerConnections(removeFromCompose(text, name), { text, services, name }),
    ),
    ...change('README.md', (text) =>
      text.replace(readmeRow, (row) => (row.startsWith(`| ${name} |`) ? '' : row)),
    ),
    ...scrapeConfigs.flatMap((file) =>
      change(file, (text) => text.replace(servicePart(`monitoring/${basename(file)}`, service), '')),
    ),
    ...change(productionOverlay, (text) => text.replace(new RegExp(`^ {2}- ${name}\\n`, 'm'), '')),
  ]
  if (options.allowDirty !== true)
    refuseUncommitted(
      root,
      [...folders, ...changed.map(({ path }) => path)],
      'in what this command would remove or change',
    )
  return { service, root, folders, changed, secrets: secretsOf(name, root) }
}

function secretsOf(name: string, root: string): string[] {
  const folder = join(root, '.secrets')
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((file) => (file.startsWith(`${name}_`) ? [`.secrets/${file}`] : []))
}

/** Removes what the plan says, and installs, so that bun.lock forgets the service. @throws {CommandError} */
export async function removeService({ root, folders, changed }: Removal): Promise<void> {
  for (const { path, text } of changed) writeFileSync(join(root, path), text)
  for (const folder of folders) rmSync(join(root, folder), { recursive: true, force: true })
  const child = Bun.spawn([process.execPath, 'install'], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const [problem, exitCode] = await Promise.all([child.stderr.text(), child.exited])
  if (exitCode !== 0) throw new CommandError(`removed, but bun install failed:\n${problem.trim()}`)
}
