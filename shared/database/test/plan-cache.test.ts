import { expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow } from './support.ts'

test.each([
  { planCacheMode: 'auto', custom: 5, generic: 3 },
  { planCacheMode: 'force_custom_plan', custom: 8, generic: 0 },
  { planCacheMode: 'force_generic_plan', custom: 0, generic: 8 },
] as const)(
  'planCacheMode reaches the server, which plans as it says: %p',
  async ({ planCacheMode, custom, generic }) => {
    await using fixture = await createFixture({
      pool: { poolSize: 1, maxOverflow: 0 },
      connection: { planCacheMode },
    })
    const { db } = fixture.database
    for (let i = 0; i < 8; i++) await db.execute(sql`select ${i}::int as i`)
    const plans = await firstRow(
      db.execute(sql`select current_setting('plan_cache_mode') as "planCacheMode",
      custom_plans::int as custom, generic_plans::int as generic from pg_prepared_statements`),
    )
    expect(plans).toEqual({ planCacheMode, custom, generic })
  },
)
