export type { Advice, AdviceCode, AdviceLevel, Measurements, OptionChange } from './advice/advice.ts'
export { type Budget, checkBudget } from './advice/budget.ts'
export { budgetAdvice } from './advice/server-rules.ts'
export {
  createMonitor,
  type Monitor,
  type MonitoredDatabase,
  type MonitorOptions,
  type Seen,
} from './monitor.ts'
export { capacity, type Sample } from './samples/sample.ts'
export type { Blockage, BlockedStatement, Blocker, LockWanted } from './server/blockages.ts'
export type { DatabaseHealth, HealthProbe } from './server/health-probe.ts'
export { type HostReport, reportHosts } from './server/host-report.ts'
export { createMigrationCheck, type MigrationCheck, type MigrationReport } from './server/migration-check.ts'
export type { Confinement, RunningStatement, ServerReport } from './server/server-report.ts'
