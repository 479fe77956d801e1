import type { ClusterPlan } from './cluster/plan.ts'
import { faultKinds, groupOf, type Violation } from './ledger.ts'
import type { Plan, Workload } from './plan.ts'
import type { ChaosReport, Failure } from './run-chaos.ts'

// Enough to see of what kind they are; the rest is more of the same.
const mostShown = 12

/** What was run and what was found, in two lines. */
export function renderSummary(report: ChaosReport): string {
  const { worlds, statements, answered, faults, broken } = report
  const counts = faultKinds.map((kind) => `${broken[kind]} ${kind}`).join(', ')
  return `${count(worlds, 'world')}, ${count(statements, 'statement')} (${answered} calls answered as asked), ${count(faults, 'fault')}\n${counts}`
}

/** A world that broke a promise: how to run it again, what it was, what it did last, and what was found. */
export function renderFailure({ plan, result }: Failure, workload: Workload | undefined): string {
  const again = `bun run chaos --seed ${plan.seed}${workload ? ` --workload ${workload}` : ''}`
  return [
    `Seed ${plan.seed} broke a promise. Again: ${again} (add --minutes to repeat it until it fails)`,
    ...describePlan(plan),
    'The last that happened:',
    ...result.history.map((line) => `  ${line}`),
    `Callers: ${result.succeeded} answered, failures ${tally(result.failures)}`,
    'Found:',
    ...describeViolations(result.violations),
  ].join('\n')
}

/** One line about a world while it runs. */
export function renderProgress(report: ChaosReport, plan: Plan, elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1_000)
  const found = faultKinds.filter((kind) => report.broken[kind] > 0)
  const state =
    found.length === 0 ? 'nothing found' : found.map((kind) => `${report.broken[kind]} ${kind}`).join(', ')
  return (
    `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} seed ${plan.seed} (${plan.workload}, ${plan.route}), ` +
    `${report.worlds} worlds before, ${report.statements} statements, ${report.faults} faults: ${state}`
  )
}

function describePlan(plan: Plan): string[] {
  const options = { ...plan.pool, ...plan.connection }
  return [
    `  ${plan.workload}, ${plan.route}, ${plan.callers} callers, ${plan.loadMs} ms` +
      (plan.closeAtMs === null ? '' : `, closed after ${plan.closeAtMs} ms`),
    `  ${Object.entries(options)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
    `  faults: ${[...plan.networkFaults, ...plan.serverFaults, ...(plan.cluster?.faults ?? [])].join(', ') || 'none'}`,
    ...(plan.cluster ? [`  ${describeCluster(plan.cluster)}`] : []),
  ]
}

function describeCluster({ standbys, isSynchronous, maxLagMs, routeReads }: ClusterPlan): string {
  const commits = isSynchronous ? 'commits wait for one' : 'no commit waits for one'
  return `${count(standbys, 'standby')}, ${commits}, maxLagMs ${maxLagMs}, routeReads ${routeReads}`
}

/** What was found, each kind of it once, with how often. */
function describeViolations(violations: readonly Violation[]): string[] {
  const groups = Map.groupBy(violations, groupOf)
  const lines = [...groups.values()].map((group) => {
    const { kind, what } = group[0] as Violation
    return `  ${kind}: ${what}${group.length > 1 ? ` (and ${group.length - 1} more like it)` : ''}`
  })
  const rest = lines.length - mostShown
  return rest > 0 ? [...lines.slice(0, mostShown), `  and ${rest} more`] : lines
}

const tally = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([kind, times]) => `${times} × ${kind}`)
    .join(', ') || 'none'

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
