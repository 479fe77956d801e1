import * as schema from '@schema/cart'
import { createDatabase } from '@shared/database'
import { databaseOptions, readOrExit } from '@shared/env'
import { serve } from '@shared/service'
import { createApp } from './app.ts'
import { cartService, createEnv } from './env.ts'

const { service } = cartService
const env = readOrExit(createEnv)

await serve({
  service,
  env,
  openDatabase: (onEvent) => createDatabase({ name: service, schema, onEvent, ...databaseOptions(env) }),
  createApp,
})
