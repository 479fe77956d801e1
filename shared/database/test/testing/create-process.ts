import { createTestDatabase } from '../../src/testing/index.ts'

// Makes databases as a test file of its own process does, and says which; then it waits to be killed, or ends.
const [url = '', migrationsFolder = '', after = 'end'] = process.argv.slice(2)
const made = await Promise.all([1, 2].map(() => createTestDatabase({ url, migrationsFolder })))
const rows = await Promise.all(
  made.map(({ database }) => database.db.execute('select count(*)::int as count from items')),
)
console.log(JSON.stringify({ names: made.map(({ name }) => name), rows: rows.flat() }))
if (after === 'wait') setInterval(() => {}, 1_000)
else if (after === 'drop') await Promise.all(made.map((one) => one.drop()))
else await Promise.all(made.map(({ database }) => database.close()))
