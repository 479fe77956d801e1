import { sql } from 'drizzle-orm'
import { createDatabase } from '../../src/index.ts'

// A script that never calls close(): it ends when its work is over.
const { URL: url = '', CONNECTION = '{}', WORK: work = '' } = process.env
const database = createDatabase({
  name: 'script',
  url,
  pool: { poolSize: 2, maxOverflow: 0 },
  connection: JSON.parse(CONNECTION),
})
const { db } = database
const say = (word: string) => () => void process.stdout.write(`${word}\n`)

await db.execute('select 1')
// Nobody waits for what follows but the process itself.
if (work === 'statements')
  for (let n = 1; n <= 4; n++) db.execute('select pg_sleep(0.3)').then(say(`slept ${n}`))
if (work === 'transaction')
  db.transaction(async (tx) => {
    await tx.execute('select pg_sleep(0.3)')
    await tx.execute('select pg_sleep(0.3)')
  }).then(say('committed'))
if (work === 'watched') {
  // Long enough for each watch to have looked.
  await db.execute('select pg_sleep(1.5)')
  await database.observe((connection) => connection.run('select 1', [], true))
}
if (work === 'listening') {
  const subscription = await database.listen('news', async (payload) => {
    say(payload)()
    await subscription.unlisten()
  })
}
if (work === 'uses') {
  let sum = 0
  for await (const { n } of database.stream(sql<{ n: number }>`select n from generate_series(1, 5) n`, {
    batchSize: 2,
  }))
    sum += n
  const copied = await new Response(database.copyOut(sql`select 16`)).text()
  say(`streamed ${sum}, copied ${copied.trim()}`)()
}
