import * as schema from '@schema/cart'
import migrations from '@schema/cart/journal'
import { createDatabase } from '@shared/database'
import { databaseOptions, readOrExit } from '@shared/env'
import { serve, sessionsOf } from '@shared/service'
import { createApp } from './app.ts'
import { cartService, createEnv } from './env.ts'
import { createProductClient } from './product-client.ts'

const { service } = cartService
const env = readOrExit(createEnv)
const products = createProductClient({ url: env.PRODUCT_URL, timeoutMs: env.PRODUCT_TIMEOUT * 1000 })

await serve({
  service,
  env,
  openDatabase: (onEvent) =>
    createDatabase({ name: service, schema, onEvent, hot: import.meta, ...databaseOptions(env) }),
  migrations,
  createApp: (context) => createApp({ ...context, products, sessions: sessionsOf(env) }),
})
