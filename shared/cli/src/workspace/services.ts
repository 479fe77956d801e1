import { join } from 'node:path'
import type { ServiceDefinition } from '@shared/env'
import { didYouMean } from '../command-line/arguments.ts'
import { CommandError, UsageError } from '../command-line/errors.ts'
import { type Package, readPackages, repositoryRoot, withDependencies } from './packages.ts'

/** A service of this repository. */
export interface Service extends Omit<ServiceDefinition, 'variables'> {
  /** The variables that only this service reads. Not called `variables`, so that nothing about databases reads them. */
  readonly own?: ServiceDefinition['variables']
  readonly folder: string
  /** The folder of its own schema package: schema, drizzle.config.ts, migrations. */
  readonly schemaFolder: string
  /** Every folder its code comes from: its own, its schema's, the shared packages'. */
  readonly sourceFolders: readonly string[]
}

/** The names of the services: the folders of `services/`. */
export function serviceNames(root = repositoryRoot): string[] {
  return servicePackages(readPackages(root)).map(nameOf)
}

/**
 * Finds the services with these names, all services for no name, in order of their ports.
 *
 * A service's name, database and port come from its own `src/env.ts`: the export that is a ServiceDefinition
 * with the folder's name. A new service needs no change here.
 *
 * @throws {UsageError} A name is not one of a service.
 */
export async function findServices(names: readonly string[], root = repositoryRoot): Promise<Service[]> {
  const packages = readPackages(root)
  const known = servicePackages(packages).map(nameOf)
  for (const name of names) {
    if (known.includes(name)) continue
    throw new UsageError(
      `there is no service ${name}${didYouMean(name, known) || `: there are ${known.join(', ')}`}`,
    )
  }
  const wanted = servicePackages(packages).filter(
    (found) => names.length === 0 || names.includes(nameOf(found)),
  )
  const services = await Promise.all(wanted.map((found) => readService(found, packages)))
  return services.sort((left, right) => left.port - right.port)
}

const servicePackages = (packages: readonly Package[]): Package[] =>
  packages.filter(({ path }) => path.startsWith('services/'))

const nameOf = ({ path }: Package): string => path.slice('services/'.length)

async function readService(found: Package, packages: readonly Package[]): Promise<Service> {
  const name = nameOf(found)
  const module: Record<string, unknown> = await import(join(found.folder, 'src/env.ts'))
  const definition = Object.values(module).find(
    (value): value is ServiceDefinition => isDefinition(value) && value.service === name,
  )
  if (definition === undefined) {
    throw new CommandError(
      `${found.path}/src/env.ts must export the service's definition: { service: '${name}', database, port }.`,
    )
  }
  const used = withDependencies(found, packages)
  const schema = used.find(({ manifest }) => manifest.name === `@schema/${name}`)
  if (schema === undefined)
    throw new CommandError(`${found.path}/package.json must depend on @schema/${name}.`)
  const { service, database, port } = definition
  return {
    service,
    database,
    port,
    own: definition.variables,
    folder: found.folder,
    schemaFolder: schema.folder,
    sourceFolders: used.map(({ folder }) => folder),
  }
}

function isDefinition(value: unknown): value is ServiceDefinition {
  if (typeof value !== 'object' || value === null) return false
  const { service, database, port } = value as Partial<Record<keyof ServiceDefinition, unknown>>
  return typeof service === 'string' && typeof database === 'string' && typeof port === 'number'
}
