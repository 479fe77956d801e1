import { configurationExitCode, EnvironmentError } from '@shared/env'
import type { ServiceRoles } from '@shared/postgres'
import { aborted, listenForStop } from '../command-line/stop-request.ts'
import { type AdminServer, openAdminServer } from '../databases/admin-server.ts'
import { isolationTable } from '../databases/isolation-table.ts'
import { migrateService } from '../databases/migrations.ts'
import { provisionServices, rolesOf } from '../databases/provisioning.ts'
import { withOwnPasswords } from '../databases/role-passwords.ts'
import {
  type DevelopmentConsole,
  developmentConsolePort,
  startDevelopmentConsole,
} from '../reports/console.ts'
import { paint } from '../terminal/paint.ts'
import { renderTable } from '../terminal/text.ts'
import {
  baseUrl,
  composeEnvironments,
  listenAddress,
  onServer,
  type ServiceSetup,
} from '../workspace/service-environment.ts'
import type { Service } from '../workspace/services.ts'
import { watchMigrations } from './migration-notices.ts'
import { claimPorts } from './ports.ts'
import { awaitReady, type Readiness } from './readiness.ts'
import { restartOnChange } from './restart-on-change.ts'
import { createServiceGroup, type ServiceGroup } from './service-group.ts'

/** What {@link runDevelopment} runs and how. */
export interface DevelopmentOptions {
  services: readonly Service[]
  dataRoot?: string
  /** Standbys of the local server. */
  replicas?: number
  migrateExternal: boolean
  watch: boolean
}

const readyMs = 30_000
/** How long the local server may take to stop after a second signal; after that the next start takes it over. */
const forcedReleaseMs = 1_500

/** Runs services for development until a signal stops them; returns the exit code. */
export async function runDevelopment(options: DevelopmentOptions): Promise<number> {
  using stop = listenForStop()
  const names = options.services.map(({ service }) => service)
  const group = createServiceGroup({ names, prefix: true, onExit: reportExit })

  const consolePort = developmentConsolePort()
  let server: AdminServer | null = null

  const run = async (): Promise<number> => {
    try {
      const setups = await claimPorts(composeEnvironments(options.services, { mode: 'development' }))
      if (setups.some(({ external }) => !external)) server = await openAdminServer(options)
      if (server !== null) console.log(server.description)
      const { placed, provisioned } = await prepare(setups, server, options, stop.signal)
      if (stop.signal.aborted) return 0
      for (const setup of placed) group.start(setup)
      const isolation = server === null ? null : proveIsolation(server, provisioned)
      using _watcher = options.watch ? restartOnChange(placed, group, stop.signal) : null
      using _migrations = watchMigrations(placed.filter(isUsable), { ...options, signal: stop.signal })
      await using page = await startDevelopmentConsole(placed, consolePort, console.log)
      return await attend(placed, group, { ...options, signal: stop.signal, page, isolation })
    } catch (error) {
      // Ctrl-C also ends the programs a step was waiting for: the error of that step is not worth a report. The step may
      // have blocked this process, which then has not seen the signal yet.
      await Bun.sleep(0)
      if (stop.signal.aborted) return 0
      throw error
    } finally {
      if (stop.signal.aborted) console.log(`stopping (${stop.signal.reason}) …`)
      await group.stop()
      await server?.release()
      if (stop.signal.aborted) console.log('stopped')
    }
  }
  const force = async (): Promise<number> => {
    const exitCode = await stop.forced
    group.kill()
    await Promise.race([group.stop().then(() => server?.release()), Bun.sleep(forcedReleaseMs)])
    return exitCode
  }
  const exitCode = await Promise.race([run(), force()])
  return stop.forcedExitCode ?? exitCode
}

/** Prints that a service ended by itself, and how to start it again. */
function reportExit(service: string, exitCode: number): void {
  const reason =
    exitCode === configurationExitCode ? `: its environment is wrong, fix services/${service}/.env.local` : ''
  console.log(paint('red', `${service} ended with exit code ${exitCode}${reason}`))
}

/** What each role reaches, as a table; development continues without it where the server no longer answers. */
async function proveIsolation(server: AdminServer, roles: readonly ServiceRoles[]): Promise<string | null> {
  if (roles.length === 0) return null
  return await isolationTable(server.adminUrl, roles, { sharedDatabases: server.local }).catch(
    () => 'isolation was not checked: the server did not let the admin in',
  )
}

/**
 * Makes databases and roles, and migrates; a service whose environment is wrong is left out and reports it itself.
 *
 * @returns The services with their server, and the roles that were made.
 */
async function prepare(
  setups: readonly ServiceSetup[],
  server: AdminServer | null,
  options: DevelopmentOptions,
  signal: AbortSignal,
): Promise<{ placed: ServiceSetup[]; provisioned: ServiceRoles[] }> {
  const placed = setups.map((setup) => (server === null ? setup : placeOn(server, setup)))
  const usable = placed.filter(isUsable)
  const ours = usable.filter(({ external }) => !external)
  for (const { service } of placed.filter(({ external }) => external)) {
    console.log(`${service.service} has a server of its own: nothing is created there`)
  }
  const isNeeded = ours.length > 0 && !signal.aborted
  const provisioned =
    server !== null && isNeeded ? await provisionServices({ server, setups: ours, report: console.log }) : []
  const toMigrate = options.migrateExternal ? usable : ours
  if (!signal.aborted) await Promise.all(toMigrate.map((setup) => migrateService(setup, console.log)))
  return { placed, provisioned }
}

function placeOn(server: AdminServer, setup: ServiceSetup): ServiceSetup {
  const placed = onServer(setup, server)
  return server.local || setup.external ? placed : withOwnPasswords(placed)
}

function isUsable(setup: ServiceSetup): boolean {
  try {
    rolesOf(setup)
    return true
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    // The service reports what it reads itself, when it starts.
    if (error.issues.every(({ variable }) => variable.startsWith('MIGRATION_'))) console.error(error.report)
    return false
  }
}

/** Shows when the services are ready, restarts what changes, and returns when it is over. */
async function attend(
  setups: readonly ServiceSetup[],
  group: ServiceGroup,
  options: {
    signal: AbortSignal
    watch: boolean
    page: DevelopmentConsole
    isolation: Promise<string | null> | null
  },
): Promise<number> {
  const { signal, watch, page, isolation } = options
  const states = await Promise.all(
    setups.map(async (setup) => {
      const { service } = setup.service
      const hasEnded = (): boolean => group.process(service) === null
      return { setup, state: await awaitReady(setup, { timeoutMs: readyMs, hasEnded, signal }) }
    }),
  )
  if (signal.aborted) return 0
  console.log(`\n${overview(states)}\n\n${page.notice}\n`)
  // Many logins, on a server that may be slow to reach: nothing waits for them.
  void isolation?.then((table) => {
    if (table !== null && !signal.aborted) console.log(`${table}\n`)
  })
  if (states.every(({ state }) => state === 'ended')) return 1
  const stopped = aborted(signal).then(() => 0)
  // With files watched, a service that ended starts again when its file is fixed.
  return watch ? stopped : Promise.race([stopped, group.finished.then(() => 1)])
}

function overview(states: readonly { setup: ServiceSetup; state: Readiness }[]): string {
  const rows = states.map(({ setup, state }) => {
    const { service, database } = setup.service
    const marked = paint(state === 'ready' ? 'green' : 'red', state)
    return [service, database, String(listenAddress(setup).port), `${baseUrl(setup)}/health`, marked]
  })
  return renderTable([['service', 'database', 'port', 'health', 'state'], ...rows])
}
