import { relative } from 'node:path'
import { defineConfig } from 'drizzle-kit'

// drizzle-kit resolves `schema` and `out` from the working directory and refuses an absolute `out`.
const here = relative(process.cwd(), __dirname) || '.'

export default defineConfig({
  dialect: 'postgresql',
  schema: `${here}/schema.ts`,
  out: `${here}/migrations`,
  // The databases of `bun run dev`, unless db:studio or you say where.
  dbCredentials: {
    url:
      process.env.DRIZZLE_URL ??
      'postgres://product_migrator:product_migrator_local@127.0.0.1:54320/product_db',
  },
  migrations: { schema: 'drizzle', table: '__drizzle_migrations' },
  strict: true,
})
