export { type Answer, type OpenServiceOptions, openService, type TestService } from './open-service.ts'
export { type ServiceProcess, type StartServiceOptions, startService } from './start-service.ts'
