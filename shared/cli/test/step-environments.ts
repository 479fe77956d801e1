import { createMigrationEnv, createServiceEnv, EnvironmentError, serviceVariables } from '@shared/env'
import type { Service } from '../src/workspace/services.ts'

/** The containers that a service needs: its own, and the two steps that prepare its database. */
export type Step = 'service' | 'migrate' | 'provision'

/** A container's environment. */
export interface StepEnvironment {
  /** The container's name. */
  readonly name: string
  /** The names of the variables that it is given. */
  readonly given: readonly string[]
  /** What its program sees, secrets as files that are there. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * What is wrong with the environments of a service's three containers: names that the container has no use for, and what
 * the program in it would report, as each environment is really read.
 */
export function environmentFindings(
  service: Service,
  steps: Readonly<Record<Step, StepEnvironment>>,
): string[] {
  const whole = { ...service, variables: service.own }
  const variables = serviceVariables(whole)
  const names = (wanted: (name: string) => boolean): string[] =>
    variables
      .filter(({ name }) => wanted(name))
      .flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]))
  const isMigrator = (name: string): boolean => name.startsWith('MIGRATION_')
  const runtime = names((name) => !isMigrator(name))
  const rules = [
    { step: steps.service, definition: whole, known: runtime, readers: [createServiceEnv] },
    {
      step: steps.migrate,
      definition: service,
      known: names((name) => isMigrator(name) || name.startsWith('DATABASE_')),
      readers: [createMigrationEnv],
    },
    {
      step: steps.provision,
      definition: service,
      known: [...runtime, ...names(isMigrator), 'DATABASE_ADMIN_URL_FILE'],
      readers: [createServiceEnv, createMigrationEnv],
    },
  ]
  return rules.flatMap(({ step, definition, known, readers }) => {
    const unknown = step.given.filter((variable) => !known.includes(variable))
    const { environment } = step
    const problems = readers.flatMap((read) => problemsOf(() => read({ ...definition, environment })))
    return [...unknown.map((variable) => `${variable} is not known`), ...problems].map(
      (problem) => `${step.name}: ${problem}`,
    )
  })
}

function problemsOf(read: () => unknown): string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof EnvironmentError)
      return error.issues.map(({ variable, message }) => `${variable} ${message}`)
    throw error
  }
}
