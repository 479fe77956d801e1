import type { Named, Step } from './plan.ts'
import { quoteIdentifier } from './quote.ts'
import type { ServerState } from './server-state.ts'
import { sharedDatabases } from './service-roles.ts'

/**
 * Closes `postgres` and `template1`, which every role can enter otherwise, where that was asked for.
 *
 * On a managed server they may belong to somebody else: that is a warning, as it cannot be done.
 */
export function planSharedDatabases(
  state: ServerState,
  everyRole: readonly string[],
  close: boolean,
): { steps: Step[]; databases: Named[]; warnings: string[] } {
  const isOpen = (name: string): boolean =>
    state.databases.get(name)?.acl.some(({ grantee }) => grantee === null || everyRole.includes(grantee)) ===
    true
  const open = sharedDatabases.filter(isOpen)
  const mine = close ? open.filter((name) => state.databases.get(name)?.manageable === true) : []
  const grantees = ['PUBLIC', ...everyRole.map(quoteIdentifier)].join(', ')
  const left = open.filter((name) => !mine.includes(name))
  return {
    steps: mine.map((name) => ({
      name: `close database "${name}"`,
      database: null,
      statements: [`REVOKE ALL ON DATABASE ${quoteIdentifier(name)} FROM ${grantees}`],
    })),
    databases: sharedDatabases.map((name) => ({
      name,
      outcome: mine.includes(name) ? 'updated' : 'unchanged',
    })),
    warnings: close ? left.map(notOurs) : leftOpen(left),
  }
}

const notOurs = (name: string): string =>
  `Every role can still connect to "${name}", which belongs to another role: ` +
  `have its owner run REVOKE ALL ON DATABASE ${name} FROM PUBLIC.`

function leftOpen(names: readonly string[]): string[] {
  if (names.length === 0) return []
  const list = names.map((name) => `"${name}"`).join(' and ')
  return [
    `Every role of the server, the services' too, can connect to ${list}: that was there before and is left so ` +
      '(bun run db:provision --close-shared-databases revokes it for all).',
  ]
}
