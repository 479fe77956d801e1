import { openSession } from '../admin-connection.ts'
import { errorCode } from '../errors.ts'
import type { ServiceRoles } from './service-roles.ts'

/** One login tried: a role at a database's door. */
export interface ConnectionCell {
  readonly role: string
  readonly database: string
  readonly expected: 'connected' | '42501'
  /** `connected`, a SQLSTATE or a driver's code. */
  readonly outcome: string
  readonly ok: boolean
}

/** Logs every login role in to every database. One role after the other, as its connections are limited. */
export async function connectionMatrix(
  adminUrl: string,
  services: readonly ServiceRoles[],
  databases: readonly string[],
): Promise<ConnectionCell[]> {
  const cells: ConnectionCell[] = []
  for (const { app, migrator, database: own } of services) {
    for (const login of [app, migrator]) {
      for (const database of databases) {
        const expected = database === own ? 'connected' : '42501'
        const outcome = await tryLogin(adminUrl, database, login)
        cells.push({ role: login.name, database, expected, outcome, ok: isRight(outcome, expected) })
      }
    }
  }
  return cells
}

// A role at its connection limit (53300) is refused before its rights are looked at. At home that is proof enough
// that it may come in; elsewhere the catalog has to decide.
const isRight = (outcome: string, expected: string): boolean => outcome === expected || outcome === '53300'

async function tryLogin(
  adminUrl: string,
  database: string,
  login: { name: string; password: string },
): Promise<string> {
  try {
    const session = await openSession(adminUrl, {
      database,
      login,
      timeoutMs: 5_000,
      applicationName: 'isolation check',
    })
    await session.close()
    return 'connected'
  } catch (error) {
    return errorCode(error) ?? 'unknown error'
  }
}
