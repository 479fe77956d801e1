export type { Exchange } from './load/keep-alive-client.ts'
export { type Load, type LoadOptions, type LoadReport, startLoad } from './load/load.ts'
export { migrated } from './migrated.ts'
export { openClusterService, type TestClusterService } from './open-cluster-service.ts'
export {
  type Answer,
  type OpenServiceOptions,
  openService,
  requestsTo,
  type TestService,
} from './open-service.ts'
export { type ServiceProcess, type StartServiceOptions, startService } from './start-service.ts'
