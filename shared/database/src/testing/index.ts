export { createRollbackDatabase } from './rollback-database.ts'
export type { Template } from './templates.ts'
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.ts'
