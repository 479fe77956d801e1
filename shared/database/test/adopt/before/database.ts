import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import * as schema from './schema.ts'

const client = postgres(process.env.DATABASE_URL ?? '', {
  max: 20,
  idle_timeout: 60,
})

export const db = drizzle(client, { schema })
export const close = () => client.end({ timeout: 5 })
