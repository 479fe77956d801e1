export { type OpenServiceOptions, openService, type TestService } from './open-service.ts'
