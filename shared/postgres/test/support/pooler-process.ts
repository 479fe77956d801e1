import { pgBouncerPrograms, startPgBouncer, withDatabase } from '../../src/testing/index.ts'

// A test run of another process, which is killed while its pooler runs.
const [program] = pgBouncerPrograms()
if (!program) throw new Error('There is no PgBouncer.')
const { appUrl } = await withDatabase()
const { pid } = await startPgBouncer({ program, urls: [appUrl] })
console.log(pid)
setInterval(() => {}, 60_000)
