export { type Budget, checkBudget, describeBudget } from './advice/budget.ts'
export type { Advice, AdviceCode } from './advice/situation.ts'
export {
  createMonitor,
  type Monitor,
  type MonitoredDatabase,
  type MonitorOptions,
  type Seen,
} from './monitor.ts'
export { capacity, type Sample } from './samples/sample.ts'
export type { DatabaseHealth, HealthProbe } from './server/health-probe.ts'
export type { Confinement, RunningStatement, ServerReport } from './server/server-report.ts'
