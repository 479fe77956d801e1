import { createDatabase } from '@shared/database'
import * as schema from './schema.ts'

const database = createDatabase({
  name: 'shop',
  url: process.env.DATABASE_URL ?? '',
  schema,
  pool: { poolSize: 20, maxOverflow: 0, idleTimeoutMs: 60_000 },
  hot: import.meta,
})

export const { db } = database
export const close = () => database.close()
