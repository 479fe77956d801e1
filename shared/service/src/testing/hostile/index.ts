export type { HostileRoute } from './attacks.ts'
export { type HostileInputOptions, testHostileInput } from './suite.ts'
