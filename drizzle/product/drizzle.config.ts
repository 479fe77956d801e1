import { relative } from 'node:path'
import { defineConfig } from 'drizzle-kit'

// drizzle-kit resolves `schema` and `out` from the working directory and refuses an absolute `out`.
const here = relative(process.cwd(), __dirname) || '.'

export default defineConfig({
  dialect: 'postgresql',
  schema: `${here}/schema.ts`,
  out: `${here}/migrations`,
  migrations: { schema: 'drizzle', table: '__drizzle_migrations' },
  strict: true,
})
