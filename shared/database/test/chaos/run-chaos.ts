import { type PgBouncer, startTestServer, type TestServer } from '@shared/postgres/testing'
import postgres from 'postgres'
import type { ActRequest } from './cluster/control.ts'
import type { ClusterPlan } from './cluster/plan.ts'
import { startServers } from './cluster/servers.ts'
import { type FaultKind, faultKinds } from './ledger.ts'
import type { WorldResult } from './messages.ts'
import { drawPlan, type Plan, type Workload } from './plan.ts'
import { startPoolers } from './pooler.ts'
import { role } from './stage.ts'
import { runWorldProcess, type WorldProcessOptions } from './world-process.ts'

/** A world that broke a promise. */
export interface Failure {
  readonly plan: Plan
  readonly result: WorldResult
}

export interface ChaosReport {
  worlds: number
  statements: number
  /** Calls that were answered as asked. */
  answered: number
  faults: number
  readonly broken: Record<FaultKind, number>
  readonly failures: Failure[]
  readonly notes: Set<string>
}

export interface ChaosOptions {
  /** The seeds of the worlds, one after the other; it ends with them or with the time. */
  readonly seeds: Iterable<number>
  /** No world begins later than this. Default: no bound. */
  readonly mostMs?: number
  /** How long callers and faults are at work in each world. Default 4 000. */
  readonly loadMs?: number
  readonly workload?: Workload | undefined
  /** Whether to go on after a world that broke a promise. Default false. */
  readonly isToGoOn?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (report: ChaosReport, plan: Plan) => void
}

// The server is crashed by nobody, but what it reported as done must be there whatever happens to a backend.
const settings = { synchronous_commit: 'on', max_connections: '300' }

/**
 * Runs worlds, each from a seed, on a server of the run's own, and adds up what they found.
 *
 * @throws the signal's reason when it fires; the server is stopped then as always.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seeds, mostMs = Number.POSITIVE_INFINITY, loadMs = 4_000, isToGoOn = false } = options
  const { signal = new AbortController().signal, onProgress = () => {} } = options
  const broken = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>
  const report: ChaosReport = {
    worlds: 0,
    statements: 0,
    answered: 0,
    faults: 0,
    broken,
    failures: [],
    notes: new Set(),
  }
  await using server = await startTestServer({ settings })
  await using stack = new AsyncDisposableStack()
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  stack.defer(() => admin.end({ timeout: 1 }))
  // Worlds connect all the time: what a login costs is not what they are about.
  await admin.unsafe(`set scram_iterations = 1; create role ${role.name} login password '${role.password}'`)
  const poolers = await startPoolers(urlOf(server.adminUrl, 'postgres', role), (note) =>
    report.notes.add(note),
  )
  for (const pooler of poolers) stack.use(pooler)
  const end = performance.now() + mostMs
  for (const seed of seeds) {
    if (performance.now() > end) break
    signal.throwIfAborted()
    const plan = drawPlan({ seed, workload: options.workload, loadMs, hasPooler: poolers.length > 0 })
    const pooler = plan.route === 'pooler' ? (poolers[seed % poolers.length] ?? null) : null
    const before = { ...report }
    onProgress(report, plan)
    const result = await runOne(plan, { server, admin, pooler }, signal, (statements, faults) => {
      onProgress(
        { ...before, statements: before.statements + statements, faults: before.faults + faults },
        plan,
      )
    })
    report.worlds++
    report.statements += result.statements
    report.answered += result.succeeded
    report.faults += result.faults
    for (const note of result.notes) report.notes.add(note)
    for (const { kind } of result.violations) broken[kind]++
    if (result.violations.length > 0) report.failures.push({ plan, result })
    if (result.violations.length > 0 && !isToGoOn) break
  }
  return report
}

async function runOne(
  plan: Plan,
  { server, admin, pooler }: { server: TestServer; admin: postgres.Sql; pooler: PgBouncer | null },
  signal: AbortSignal,
  onProgress: (statements: number, faults: number) => void,
): Promise<WorldResult> {
  const name = `chaos_${plan.seed}`
  if (plan.cluster) return await runOnCluster(plan, plan.cluster, name, { signal, onProgress })
  await admin.unsafe(`drop database if exists ${name} with (force)`)
  await admin.unsafe(`create database ${name}`)
  try {
    const adminUrl = urlOf(server.adminUrl, name)
    const appUrl = urlOf(adminUrl, name, role)
    const servers = [{ adminUrl, url: pooler?.url(appUrl) ?? appUrl }]
    const place = { servers, poolerPid: pooler?.pid ?? null }
    const result = await runWorldProcess({ plan, place }, { signal, onProgress, onAct: noServers })
    if (result.isPoolerStuck) await pooler?.restart()
    return result
  } finally {
    await admin.unsafe(`drop database if exists ${name} with (force)`)
  }
}

/** On servers of its own: what was done to them is not the next world's. */
async function runOnCluster(
  plan: Plan,
  clusterPlan: ClusterPlan,
  name: string,
  options: Pick<WorldProcessOptions, 'signal' | 'onProgress'>,
): Promise<WorldResult> {
  await using cluster = await startServers(clusterPlan, name)
  const servers = cluster.servers.map((server) => {
    const adminUrl = urlOf(server.adminUrl, name)
    return { adminUrl, url: urlOf(adminUrl, name, role) }
  })
  const onAct = (request: ActRequest) => cluster.answer(request)
  return await runWorldProcess({ plan, place: { servers, poolerPid: null } }, { ...options, onAct })
}

const noServers = (): Promise<never> => Promise.reject(new Error('This world has no servers of its own.'))

function urlOf(serverUrl: string, database: string, login?: { name: string; password: string }): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  if (login) [url.username, url.password] = [login.name, login.password]
  return url.href
}
