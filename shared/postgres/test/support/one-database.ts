import { stopTestPostgres, withDatabase } from '../../src/testing/index.ts'

// A test run of another process.
await withDatabase({}, ({ name }) => name)
await stopTestPostgres()
