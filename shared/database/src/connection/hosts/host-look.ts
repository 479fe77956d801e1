import { type Lsn, parseLsn } from '../lsn.ts'
import { readServerRole, type ServerRole } from '../server-role.ts'
import type { SqlConnection } from '../sql-connection.ts'

/** What a server says of itself. */
export interface HostLook extends ServerRole {
  /** Where its log ends; of a standby, until where it has replayed. Null where the server does not say. */
  readonly lsn: Lsn | null
}

const lsnColumn = `,
  (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`

/** Asks a server what it is now and how far it is. */
export async function lookAtHost(connection: SqlConnection): Promise<HostLook> {
  const { lsn, ...role } = await readServerRole<{ lsn: string }>(
    (text) => connection.run(text, [], false),
    lsnColumn,
  )
  return { ...role, lsn: parseLsn(lsn) }
}
