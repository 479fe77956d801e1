import * as schema from '@schema/cart'
import { createDatabase } from '@shared/database'
import { databaseOptions, readOrExit } from '@shared/env'
import { serve } from '@shared/service'
import { createApp } from './app.ts'
import { cartService, createEnv } from './env.ts'
import { createProductClient } from './product-client.ts'

const { service } = cartService
const env = readOrExit(createEnv)
const products = createProductClient({ url: env.PRODUCT_URL, timeoutMs: env.PRODUCT_TIMEOUT * 1000 })

await serve({
  service,
  env,
  openDatabase: (onEvent) => createDatabase({ name: service, schema, onEvent, ...databaseOptions(env) }),
  createApp: (context) => createApp({ ...context, products }),
})
