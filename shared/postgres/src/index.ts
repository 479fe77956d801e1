export {
  LocalPostgresError,
  type LocalPostgresErrorCode,
  ProvisionError,
  type ProvisionErrorCode,
} from './errors.ts'
export type { ConnectionCell } from './provision/connection-matrix.ts'
export { checkIsolation, type IsolationReport, type PrivilegeCell } from './provision/isolation.ts'
export type { Named, Outcome, ProvisionPlan, Refusal, Stage, Step } from './provision/plan.ts'
export {
  type ProvisionOptions,
  type ProvisionReport,
  planProvision,
  provision,
} from './provision/provision.ts'
export { refusalLines } from './provision/refusal.ts'
export { renderPlan } from './provision/render-plan.ts'
export type { ServiceRoles } from './provision/service-roles.ts'
export { type FailOverOptions, type FailOverReport, failOver } from './replication/fail-over.ts'
export {
  findLocalCluster,
  type LocalCluster,
  startLocalCluster,
  stopLocalCluster,
} from './replication/local-cluster.ts'
export type { Member } from './replication/member.ts'
export { copyOver, followPrimary, type StandbyOptions, startStandby } from './replication/start-standby.ts'
export { promoteStandby, switchOver } from './replication/switch-over.ts'
export { type FoundPostgres, findPostgres, lastPort, stopPostgres } from './server/find-postgres.ts'
export type { LocalPostgres } from './server/handle.ts'
export { type StartOptions, startPostgres } from './server/local-postgres.ts'
export { defaultDataRoot } from './server/place.ts'
export { describeHolder } from './server/port.ts'
export type { Lifetime } from './server/running-server.ts'
export type { StopOptions } from './server/server-process.ts'
