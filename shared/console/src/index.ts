export type { Advice, MonitorEvent, MonitorReport, Sample } from './monitor-report.ts'
export type { ServiceStatus, ServiceView, Update } from './wire.ts'
