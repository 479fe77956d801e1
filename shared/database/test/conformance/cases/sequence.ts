import type { sql } from 'drizzle-orm'
import { type Handle, outcome } from '../case.ts'

/** Every statement with every value in turn: a parameter's type is for the server to infer, whatever came before. */
export async function sequence(
  db: Handle,
  statements: readonly ((value: unknown) => ReturnType<typeof sql>)[],
  values: readonly unknown[],
) {
  const results = []
  for (const build of statements) {
    for (const value of values) results.push(await outcome(() => db.execute(build(value))))
  }
  return results
}
