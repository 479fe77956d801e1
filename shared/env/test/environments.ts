import { EnvironmentError, type EnvironmentIssue } from '../src/environment-error.ts'
import { createServiceEnv } from '../src/service-env.ts'

/** The service the tests read environments as. */
export const definition = { service: 'auth', database: 'auth_db', port: 8001 } as const

/** A complete address in parts. */
export const parts = {
  DATABASE_HOST: 'db',
  DATABASE_NAME: 'auth_db',
  DATABASE_USER: 'auth_app',
  DATABASE_PASSWORD: 'pw',
} as const

/** What keeps an environment from being read; fails the test when nothing does. */
export function errorOf(create: () => unknown): EnvironmentError {
  try {
    create()
  } catch (error) {
    if (error instanceof EnvironmentError) return error
    throw error
  }
  throw new Error('the environment was accepted')
}

/** The issues of an environment as the service's. */
export function issuesOf(environment: Record<string, string | undefined>): readonly EnvironmentIssue[] {
  return errorOf(() => createServiceEnv({ ...definition, environment })).issues
}

/** The report about an environment as the service's. */
export function reportOf(environment: Record<string, string | undefined>): string {
  return errorOf(() => createServiceEnv({ ...definition, environment })).report
}
