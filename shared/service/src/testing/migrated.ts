import { migrate } from '@shared/database'
import { templateKey } from '@shared/postgres/testing'

/** What a test's database starts with: all that the migrations of this folder make. For `withDatabase({ template })`. */
export function migrated(migrationsFolder: string) {
  return {
    key: templateKey(migrationsFolder),
    prepare: async ({ migratorUrl }: { migratorUrl: string }) =>
      void (await migrate({ url: migratorUrl, migrationsFolder })),
  }
}
