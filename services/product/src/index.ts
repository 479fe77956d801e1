import * as schema from '@schema/product'
import migrations from '@schema/product/journal'
import { createDatabase } from '@shared/database'
import { databaseOptions, readOrExit } from '@shared/env'
import { serve, sessionsOf } from '@shared/service'
import { createApp } from './app.ts'
import { createEnv, productService } from './env.ts'

const { service } = productService
const env = readOrExit(createEnv)

await serve({
  service,
  env,
  openDatabase: (onEvent) =>
    createDatabase({ name: service, schema, onEvent, hot: import.meta, ...databaseOptions(env) }),
  migrations,
  createApp: (context) => createApp({ ...context, sessions: sessionsOf(env) }),
})
