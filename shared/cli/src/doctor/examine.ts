import { ConnectError, createDatabase, type MigrationStatus } from '@shared/database'
import { createServiceEnv, databaseOptions, EnvironmentError, type ServiceEnv } from '@shared/env'
import { createMonitor, type ServerReport } from '@shared/monitor'
import { explainError } from '../command-line/explain-error.ts'
import { statusOfMigrations } from '../databases/migrations.ts'
import type { ServiceSetup } from '../workspace/service-environment.ts'
import { translated } from './foreign-variables.ts'

/** What was found of one service: its environment, its login and its database. */
export interface Examination {
  readonly setup: ServiceSetup
  /** Null where the environment is wrong; `problems` says how. */
  readonly env: ServiceEnv | null
  readonly problems: readonly { variable: string; message: string }[]
  /** Null where the login failed; `refusal` says why. */
  readonly server: ServerReport | null
  readonly refusal: string | null
  /** The tables in `public`, by name. */
  readonly tables: readonly string[]
  /** As the migrator sees them; null where it cannot log in or read: `migratorRefusal` says why. */
  readonly migrations: MigrationStatus | null
  readonly migratorRefusal: string | null
}

/** Looks at a service as it would start, and at its migrator; changes nothing and never throws. */
export async function examine(setup: ServiceSetup): Promise<Examination> {
  const { service } = setup
  const problems = problemsOf(setup)
  const nothing = { setup, env: null, problems, server: null, refusal: null, tables: [] }
  // What comes after the names are right can be said already.
  const environment = translated(setup.environment)
  const migrator = await examineMigrator({ ...setup, environment })
  if (problemsOf({ ...setup, environment }).length > 0) return { ...nothing, ...migrator }
  const env = createServiceEnv({ ...service, environment })
  const database = createDatabase({
    name: 'doctor',
    ...databaseOptions(env),
    pool: { poolSize: 1, maxOverflow: 0 },
  })
  try {
    await database.connect()
    const server = await createMonitor(database).health.details()
    const rows = await database.db.execute<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    )
    return { ...nothing, ...migrator, env, server, tables: rows.map(({ name }) => name) }
  } catch (error) {
    return { ...nothing, ...migrator, env, refusal: explainError(error).message }
  } finally {
    await database.close({ timeoutMs: 1_000 })
  }
}

function problemsOf({ service, environment }: ServiceSetup): Examination['problems'] {
  try {
    createServiceEnv({ ...service, environment })
    return []
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    return error.issues
  }
}

async function examineMigrator(
  setup: ServiceSetup,
): Promise<Pick<Examination, 'migrations' | 'migratorRefusal'>> {
  try {
    return { migrations: await statusOfMigrations(setup), migratorRefusal: null }
  } catch (error) {
    return { migrations: null, migratorRefusal: reasonOf(error) }
  }
}

/** An environment that is wrong is reported as such: what is left is why the login failed. */
function reasonOf(error: unknown): string {
  if (error instanceof EnvironmentError)
    return error.issues.map(({ variable, message }) => `${variable} ${message}`).join('; ')
  return error instanceof ConnectError ? error.message : explainError(error).message
}
