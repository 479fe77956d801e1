import { createMigrationEnv, createServiceEnv } from '@shared/env'
import {
  type ProvisionOptions,
  type ProvisionPlan,
  planProvision,
  provision,
  refusalLines,
  renderPlan,
  type ServiceRoles,
} from '@shared/postgres'
import type { ServiceSetup } from '../workspace/service-environment.ts'
import type { AdminServer } from './admin-server.ts'
import { refusePublishedPasswords, savePasswords } from './role-passwords.ts'

/**
 * The roles a service's environment names: the runtime role from DATABASE_*, the migrator from MIGRATION_*.
 *
 * @param connectionLimit Default: twice what the service opens, pool and health probe in each of DATABASE_REPLICAS
 *   processes, since the old and the new ones of a restart may run side by side; 100 for an unlimited pool.
 * @throws {EnvironmentError}
 */
export function rolesOf(
  { service, environment, generated = [] }: ServiceSetup,
  connectionLimit?: number,
): ServiceRoles {
  const env = createServiceEnv({ ...service, environment })
  const migration = createMigrationEnv({ ...service, environment })
  const needed = env.DATABASE_REPLICAS * (env.DATABASE_POOL_SIZE + env.DATABASE_MAX_OVERFLOW + 1)
  const limit = env.DATABASE_MAX_OVERFLOW === -1 ? unlimitedPool : 2 * needed
  return {
    service: service.service,
    database: env.DATABASE_NAME,
    owner: `${service.service}_owner`,
    migrator: {
      name: migration.MIGRATION_USER,
      password: migration.MIGRATION_PASSWORD.reveal(),
      generated: generated.includes('MIGRATION_PASSWORD'),
    },
    app: {
      name: env.DATABASE_USER,
      password: env.DATABASE_PASSWORD.reveal(),
      generated: generated.includes('DATABASE_PASSWORD'),
      connectionLimit: connectionLimit ?? limit,
    },
  }
}

const unlimitedPool = 100

/** What {@link provisionServices} and {@link showPlan} take. */
export interface ProvisionRequest {
  readonly server: AdminServer
  readonly setups: readonly ServiceSetup[]
  readonly connectionLimit?: number
  /** Takes over databases and roles that were not created by provisioning. Always on the local server. */
  readonly adopt?: boolean
  /** Revokes the privileges of PUBLIC on `postgres` and `template1`. Always on the local server. */
  readonly closeSharedDatabases?: boolean
  readonly report: (line: string) => void
}

/**
 * Creates databases and roles of the services and reports each; on a server that is not the local one it prints its plan
 * first, and stores the passwords that it generated.
 *
 * @returns The roles. @throws {ProvisionError} {@link CommandError} {@link EnvironmentError}
 */
export async function provisionServices(request: ProvisionRequest): Promise<ServiceRoles[]> {
  const { server, setups, report } = request
  const options = provisionOptions(request)
  const { databases, warnings } = await provision({
    ...options,
    onPlan(plan) {
      if (!server.local) reportLines(renderPlan(plan), report)
      // Before the first statement: a role whose password is lost would be of no use.
      for (const setup of setups) {
        const file = savePasswords(setup)
        if (file !== null) report(`generated the passwords of ${setup.service.service}: they are in ${file}`)
      }
    },
  })
  const own = new Set(options.services.map(({ database }) => database))
  const outcomes = databases.filter(({ name }) => own.has(name))
  report(`provisioned ${outcomes.map(({ name, outcome }) => `${name} (${outcome})`).join(', ')}`)
  reportWarnings(warnings, report)
  return [...options.services]
}

/** Prints what {@link provisionServices} would do, or why it would refuse, and changes nothing; returns the plan. */
export async function showPlan(request: ProvisionRequest): Promise<ProvisionPlan> {
  const options = provisionOptions(request)
  const plan = await planProvision(options)
  const isRefused = plan.refusals.length > 0
  reportLines(isRefused ? refusalLines(plan.refusals, options.services) : renderPlan(plan), request.report)
  reportWarnings(plan.warnings, request.report)
  return plan
}

function provisionOptions(request: ProvisionRequest): ProvisionOptions {
  const { server, setups, connectionLimit } = request
  const services = setups.map((setup) => rolesOf(setup, connectionLimit))
  if (!server.local) refusePublishedPasswords(services)
  return {
    adminUrl: server.adminUrl,
    services,
    adopt: server.local || request.adopt === true,
    closeSharedDatabases: server.local || request.closeSharedDatabases === true,
  }
}

function reportLines(lines: readonly string[], report: (line: string) => void): void {
  for (const line of lines) report(line)
}

function reportWarnings(warnings: readonly string[], report: (line: string) => void): void {
  for (const warning of warnings) report(`warning: ${warning}`)
}
