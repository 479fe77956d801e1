import { createDatabase } from '@shared/database'
import type { ServiceRoles } from '@shared/postgres'

/** Drops databases with all that is in them, and ends the sessions there. */
export async function dropDatabases(adminUrl: string, names: readonly string[]): Promise<void> {
  await asAdmin(
    adminUrl,
    names.map((name) => `drop database if exists ${quote(name)} with (force)`),
  )
}

/** Drops a service's database and then its roles. */
export async function dropService(adminUrl: string, roles: ServiceRoles): Promise<void> {
  await dropDatabases(adminUrl, [roles.database])
  const names = [roles.app.name, roles.migrator.name, roles.owner]
  await asAdmin(
    adminUrl,
    names.map((name) => `drop role if exists ${quote(name)}`),
  )
}

async function asAdmin(adminUrl: string, statements: readonly string[]): Promise<void> {
  const admin = createDatabase({ name: 'admin', url: adminUrl, pool: { poolSize: 1, maxOverflow: 0 } })
  try {
    for (const statement of statements) await admin.db.execute(statement)
  } finally {
    await admin.close({ timeoutMs: 1_000 })
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
