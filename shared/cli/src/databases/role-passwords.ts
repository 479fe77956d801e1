import { randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseEnv } from 'node:util'
import type { ServiceRoles } from '@shared/postgres'
import { CommandError } from '../command-line/errors.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { committedEnvironment, ownEnvironment, type ServiceSetup } from '../workspace/service-environment.ts'
import { serviceNames } from '../workspace/services.ts'

/** The variables that hold the passwords of a service's roles. */
const passwordVariables = ['DATABASE_PASSWORD', 'MIGRATION_PASSWORD'] as const

/** Variables from this process's environment or from a file. */
type Given = Readonly<Record<string, string | undefined>>

/**
 * Replaces each password that comes from the committed `.env.development` by a random one, for a server that is not the
 * local one; {@link savePasswords} stores them.
 */
export function withOwnPasswords(setup: ServiceSetup, given: Given = ownEnvironment()): ServiceSetup {
  const { service, environment } = setup
  const committed = committedEnvironment(service)
  const local = readVariables(join(service.folder, '.env.local'))
  const generated = passwordVariables.filter(
    (name) =>
      environment[name] !== undefined &&
      environment[name] === committed[name] &&
      environment[`${name}_FILE`] === undefined &&
      !given[name] &&
      !local[name],
  )
  if (generated.length === 0) return setup
  const passwords = generated.map((name) => [name, randomBytes(24).toString('base64url')])
  return { ...setup, environment: { ...environment, ...Object.fromEntries(passwords) }, generated }
}

/**
 * Writes the generated passwords into the service's `.env.local`, readable by its owner alone.
 *
 * @returns The file's path from the repository's root, or null where there are none.
 * @throws {CommandError} The file cannot be written.
 */
export function savePasswords({ service, environment, generated = [] }: ServiceSetup): string | null {
  if (generated.length === 0) return null
  const file = join(service.folder, '.env.local')
  const path = relative(repositoryRoot, file)
  try {
    // No other user may read the file by the time the passwords are in it.
    appendFileSync(file, '', { mode: 0o600 })
    chmodSync(file, 0o600)
    const before = readFileSync(file, 'utf8')
    const lines = [
      ...(before === '' || before.endsWith('\n') ? [] : ['']),
      `# Made by provisioning for the roles of ${service.service}.`,
      ...generated.map((name) => `${name}=${environment[name]}`),
    ]
    appendFileSync(file, `${lines.join('\n')}\n`)
  } catch (cause) {
    throw new CommandError(
      `${path} cannot be written, and the generated passwords would be lost. Make it writable, or give ` +
        `${generated.join(' and ')}. Nothing was changed.`,
      { cause },
    )
  }
  return path
}

/** Refuses passwords that are in this repository, and so public. @throws {CommandError} */
export function refusePublishedPasswords(
  roles: readonly ServiceRoles[],
  published = publishedPasswords(),
): void {
  for (const { service, migrator, app } of roles) {
    for (const [variable, login] of [
      ['DATABASE_PASSWORD', app],
      ['MIGRATION_PASSWORD', migrator],
    ] as const) {
      if (!published.has(login.password)) continue
      throw new CommandError(
        `${service}: the password given for "${login.name}" is one that is in this repository, and this is not the ` +
          `local server. Set ${variable} to another, or remove it to have one generated. Nothing was changed.`,
      )
    }
  }
}

/** Every password in the committed files of the services. */
export function publishedPasswords(root = repositoryRoot): ReadonlySet<string> {
  const files = serviceNames(root).flatMap((name) =>
    ['.env.development', '.env.example'].map((file) => join(root, 'services', name, file)),
  )
  return new Set(
    files.flatMap((file) => {
      const variables = readVariables(file)
      return passwordVariables.flatMap((name) => variables[name] ?? [])
    }),
  )
}

const readVariables = (file: string): Given => (existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {})
