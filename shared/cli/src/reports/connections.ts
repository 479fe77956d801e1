import { ConnectError, causes, createDatabase, findDatabaseError, sqlState } from '@shared/database'
import { createServiceEnv, databaseOptions, EnvironmentError, type ServiceEnv } from '@shared/env'
import { createMonitor } from '@shared/monitor'
import { formatDuration } from '@shared/monitor/duration'
import { escapeHidden, showHidden } from '@shared/monitor/plain-text'
import { paint } from '../terminal/paint.ts'
import type { ServiceSetup } from '../workspace/service-environment.ts'

/** The outcome of one connection; it holds no secret. */
export interface ConnectionReport {
  readonly service: string
  readonly connected: boolean
  /** Null where the environment names none. */
  readonly host: string | null
  /** Of several hosts with ports of their own a list. */
  readonly port: number | string | null
  readonly database: string
  readonly user: string | null
  /** The server's version; null unless connected. */
  readonly version: string | null
  /** One round trip; null unless connected. */
  readonly latencyMs: number | null
  /** SQLSTATE, the driver's code or ENVIRONMENT; null if connected. */
  readonly code: string | null
  /** What is wrong and what to do about it; null if connected. */
  readonly reason: string | null
}

const refusedMs = 250

/** Connects to the database of every service at once, prints a line for each as it ends, and returns the exit code. */
export async function testConnections(
  setups: readonly ServiceSetup[],
  options: { timeoutMs: number; json: boolean },
): Promise<number> {
  const width = Math.max(...setups.map(({ service }) => service.service.length))
  const reports = await Promise.all(
    setups.map(async (setup) => {
      const report = await testConnection(setup, options.timeoutMs)
      if (!options.json) console.log(renderReport(report, width))
      return report
    }),
  )
  const connected = reports.filter((report) => report.connected).length
  if (options.json)
    console.log(
      escapeHidden(JSON.stringify({ connected, total: reports.length, services: reports }, null, 2)),
    )
  else console.log(`${connected}/${reports.length} services connected successfully`)
  return connected === reports.length ? 0 : 1
}

/** Connects as a service would, pings once, and closes; never throws. */
export async function testConnection(setup: ServiceSetup, timeoutMs: number): Promise<ConnectionReport> {
  const { service, environment } = setup
  const nothing = {
    service: service.service,
    connected: false,
    host: null,
    port: null,
    database: service.database,
    user: null,
    version: null,
    latencyMs: null,
  }
  let env: ServiceEnv
  try {
    env = createServiceEnv({ ...service, environment })
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    const reason = error.issues.map(({ variable, message }) => `${variable} ${message}`).join('\n')
    return { ...nothing, code: error.code, reason }
  }
  const address = {
    host: env.DATABASE_HOST,
    port: env.DATABASE_PORT.includes(',') ? env.DATABASE_PORT : Number(env.DATABASE_PORT),
    database: env.DATABASE_NAME,
    user: env.DATABASE_USER,
  }
  try {
    return {
      ...nothing,
      ...address,
      ...(await connect(env, timeoutMs)),
      connected: true,
      code: null,
      reason: null,
    }
  } catch (error) {
    return { ...nothing, ...address, ...explain(error) }
  }
}

/** The innermost error of the connection layer is the most precise: user, address, code and what to do. */
function explain(error: unknown): { code: string; reason: string } {
  let own = findDatabaseError(error)
  for (const link of causes(own?.cause)) {
    if (!(link instanceof ConnectError)) break
    own = link
  }
  const driverCode = own instanceof ConnectError ? own.driverCode : null
  return {
    code: sqlState(error) ?? driverCode ?? own?.code ?? 'UNKNOWN',
    reason: own?.message ?? 'The database did not answer.',
  }
}

async function connect(
  env: ServiceEnv,
  timeoutMs: number,
): Promise<{ version: string | null; latencyMs: number }> {
  const options = databaseOptions(env)
  const deadline = performance.now() + timeoutMs
  const remaining = (): number => Math.max(1, deadline - performance.now())
  const database = createDatabase({
    name: env.DATABASE_APPLICATION_NAME,
    url: options.url,
    pool: { poolSize: 1, maxOverflow: 0 },
    connection: { ...options.connection, connectTimeoutMs: timeoutMs },
  })
  const { health } = createMonitor(database)
  try {
    const { code } = await health.check()
    // The pool retries until the deadline, for a server that is starting. Where the address is refused, once is enough.
    const limitMs = code?.startsWith('E') ? Math.min(refusedMs, timeoutMs) : remaining()
    await database.connect({ timeoutMs: limitMs })
    const { latencyMs } = await database.ping({ timeoutMs: remaining() })
    const details = await Promise.race([health.details(), Bun.sleep(remaining()).then(() => null)])
    return { version: details?.version ?? null, latencyMs }
  } finally {
    await database.close({ timeoutMs: 500 })
  }
}

/** A line and, where it failed, its reason below; texts of the environment and of the server stay in their place. */
export function renderReport(report: ConnectionReport, width: number): string {
  const { host, port, database, user, version, latencyMs } = report
  const name = report.service.padEnd(width)
  const address = showHidden(host === null ? database : `${host}:${port}/${database} as ${user}`)
  if (report.connected) {
    const server = showHidden(`PostgreSQL ${version ?? '(version unknown)'}`)
    return `${paint('green', '✓')} ${name}  ${address}  ${server}  ${formatDuration(latencyMs)}`
  }
  const indent = ' '.repeat(width + 4)
  // The environment's report has a line for each variable.
  const reason = (report.reason ?? '').split('\n').map((line) => indent + showHidden(line))
  return [`${paint('red', '✗')} ${name}  ${address}  ${showHidden(report.code ?? '')}`, ...reason].join('\n')
}
