import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase } from '@shared/database'
import { createServiceEnv, databaseOptions } from '@shared/env'
import { createServiceApp, serve } from '@shared/service'

/** A cart service with a fault: its transactions wait for something that is not the database, and keep their connection. */
const definition = { service: 'cart', database: 'cart_db', port: 8003, variables: {} } as const
const env = createServiceEnv(definition)
// As a job in the background has it: the deadline of a request would take the connection back.
const outsideOfRequests = AsyncLocalStorage.snapshot()
const answered = Promise.withResolvers<void>()

/** Takes a connection, also one that it has to wait for for long. */
async function leak(transaction: ReturnType<typeof createDatabase>['transaction']): Promise<void> {
  for (let isTaken = false; !isTaken; ) {
    await transaction(async (tx) => {
      isTaken = true
      await tx.execute('select id from carts for share')
      await answered.promise
      // A full queue refuses at once: asked again without a pause, it would leave the process no time for anything else.
    }).catch(() => sleep(10))
  }
}

await serve({
  service: definition.service,
  env,
  openDatabase: (onEvent) => createDatabase({ name: definition.service, onEvent, ...databaseOptions(env) }),
  createApp: (context) => {
    const { database } = context
    const app = createServiceApp({ version: '1', service: definition.service, ...context })
    app.get('/carts', async (c) => c.json(await database.db.execute('select count(*) from carts')))
    app.post('/leak', (c) => {
      outsideOfRequests(() => void leak(database.transaction))
      return c.body(null, 202)
    })
    app.delete('/leak', (c) => {
      answered.resolve()
      return c.body(null, 204)
    })
    return app
  },
})
