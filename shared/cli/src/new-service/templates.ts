import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { renderExample, type ServiceDefinition } from '@shared/env'

/** A file to write, by its path from the repository's root. */
export interface NewFile {
  readonly path: string
  readonly text: string
}

const templates = join(import.meta.dir, '../../templates/service')
/** Keeps tests, type check and linter from taking a template for the code it becomes. */
const suffix = '.template'

/** The files of a service and of its schema package, in order of their paths. */
export function serviceFiles(definition: ServiceDefinition, localPort: number): NewFile[] {
  const { service } = definition
  const values = valuesOf(definition, localPort)
  return [
    ...renderFolder('schema', `drizzle/${service}`, values),
    ...renderFolder('service', `services/${service}`, values),
    { path: `services/${service}/.env.example`, text: renderExample(definition) },
  ].sort(byPath)
}

const byPath = (left: NewFile, right: NewFile): number => (left.path < right.path ? -1 : 1)

/** The folders of a service's manifests, by the templates that fill them. */
export function deployFolders(service: string): Readonly<Record<string, string>> {
  return {
    'deploy/base': `services/deploy/base/${service}`,
    'deploy/production': `services/deploy/overlays/production/${service}`,
  }
}

/** The manifests of a service, in order of their paths. */
export function deployFiles(definition: ServiceDefinition): NewFile[] {
  const values = valuesOf(definition, 0)
  return Object.entries(deployFolders(definition.service)).flatMap(([folder, target]) =>
    renderFolder(folder, target, values).sort(byPath),
  )
}

/** What a service adds to a shared file; `name` is the template's without its ending. */
export function servicePart(name: string, definition: ServiceDefinition): string {
  return render(`${name}${suffix}`, valuesOf(definition, 0))
}

type Values = Readonly<Record<string, string>>

function valuesOf({ service, database, port }: ServiceDefinition, localPort: number): Values {
  return {
    name: service,
    Name: service.charAt(0).toUpperCase() + service.slice(1),
    database,
    port: String(port),
    localPort: String(localPort),
  }
}

function renderFolder(folder: string, target: string, values: Values): NewFile[] {
  const entries = readdirSync(join(templates, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = relative(templates, join(entry.parentPath, entry.name))
      // A file that begins with a dot would be hidden among the templates.
      const name = path.slice(folder.length + 1, -suffix.length).replace(/^env\./, '.env.')
      return { path: `${target}/${name.replaceAll('\\', '/')}`, text: render(path, values) }
    })
}

function render(path: string, values: Values): string {
  return readFileSync(join(templates, path), 'utf8').replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path} needs ${whole}, which has no value`)
    return value
  })
}
