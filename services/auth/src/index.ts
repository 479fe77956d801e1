import * as schema from '@schema/auth'
import migrations from '@schema/auth/journal'
import { createDatabase } from '@shared/database'
import { databaseOptions, readOrExit } from '@shared/env'
import { serve } from '@shared/service'
import { createApp } from './app.ts'
import { authService, createEnv } from './env.ts'

const { service } = authService
const env = readOrExit(createEnv)

await serve({
  service,
  env,
  openDatabase: (onEvent) =>
    createDatabase({ name: service, schema, onEvent, hot: import.meta, ...databaseOptions(env) }),
  migrations,
  createApp: (context) => createApp({ ...context, trustedProxies: env.TRUSTED_PROXIES }),
})
