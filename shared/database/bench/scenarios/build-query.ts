import type { DrizzleDatabase, DrizzleModel } from '../../src/drizzle/handle.ts'

/** What is asked, and the rows that answer it. */
export interface BuildQuery {
  readonly rows: unknown[][]
  readonly model?: { readonly schema: DrizzleModel }
  ask(db: DrizzleDatabase<DrizzleModel>, n: number): PromiseLike<unknown>
}

export const at = '2026-01-01 00:00:00+00'
export const product = [1, 'SKU-1', 'Product number 1', 450, at]
