import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSession } from '../admin-connection.ts'
import { LocalPostgresError } from '../errors.ts'
import { quoteLiteral } from '../provision/quote.ts'
import { matchesVerifier, scramVerifier } from '../provision/scram.ts'
import type { Place } from '../server/place.ts'
import { writePrivateFile } from '../server/private-file.ts'
import { admitStandbys } from './access-rules.ts'
import { type Member, placeOf } from './member.ts'

/** The role that standbys log in to their primary with. It reaches no database. */
export const replicationRole = 'replication_standby'

// In the class of the launcher's locks: two standbys that are made at once must not both create the role.
const lockClass = 0x6c70
const lockId = 2

/**
 * WAL that every server keeps for standbys that are not connected. It is a bound too, which a replication slot without
 * a limit is not, and holds on a promoted standby without anything to be made there first.
 */
const keptWal = '256MB'

/**
 * Prepares a running primary for standbys: the role, its line in pg_hba.conf, and WAL that is kept for them. Changes
 * nothing that is right already.
 *
 * Throws `NO_PRIMARY` where the server is a standby itself, or was started with settings that allow no standbys.
 */
export async function allowStandbys(primary: Member): Promise<void> {
  const place = placeOf(primary)
  await using session = await openSession(primary.adminUrl, { applicationName: 'local-postgres standbys' })
  const { sql } = session
  await sql`select pg_advisory_lock(${lockClass}, ${lockId})`
  const [server] = await sql<ServerState[]>`
    select pg_is_in_recovery() as standby, current_setting('wal_level') as "walLevel",
      current_setting('max_wal_senders')::int as senders, current_setting('wal_keep_size') as kept,
      (select rolpassword from pg_authid where rolname = ${replicationRole}
        and rolreplication and rolcanlogin) as verifier,
      exists (select from pg_roles where rolname = ${replicationRole}) as "hasRole"`
  if (server === undefined) throw new Error('a select without FROM returned no row')
  refuse(primary, server)

  const password = ensurePassword(place)
  if (!matchesVerifier(password, server.verifier)) {
    const verb = server.hasRole ? 'ALTER' : 'CREATE'
    const verifier = quoteLiteral(scramVerifier(password))
    await sql.unsafe(`${verb} ROLE ${replicationRole} LOGIN REPLICATION PASSWORD ${verifier}`)
  }
  const rulesFile = join(place.dataDirectory, 'pg_hba.conf')
  const rules = readFileSync(rulesFile, 'utf8')
  const admitting = admitStandbys(rules, replicationRole)
  if (admitting === rules && server.kept !== '0') return
  writePrivateFile(rulesFile, admitting, place.user)
  if (server.kept === '0') await sql.unsafe(`ALTER SYSTEM SET wal_keep_size = '${keptWal}'`)
  await sql`select pg_reload_conf()`
}

interface ServerState {
  standby: boolean
  walLevel: string
  senders: number
  kept: string
  verifier: string | null
  hasRole: boolean
}

function refuse({ port }: Member, { standby, walLevel, senders }: ServerState): void {
  if (standby) {
    throw new LocalPostgresError(
      'NO_PRIMARY',
      `The server on port ${port} is a standby itself. Name the primary, or promote this one.`,
    )
  }
  if (walLevel === 'minimal' || senders === 0) {
    throw new LocalPostgresError(
      'NO_PRIMARY',
      `The server on port ${port} allows no standbys: wal_level is ${walLevel} (replica is needed) and ` +
        `max_wal_senders is ${senders}. Restart it with other settings.`,
    )
  }
}

/** The password of the role, made on the first call. */
function ensurePassword({ replicationPassFile, user }: Place): string {
  const present = existsSync(replicationPassFile) ? readFileSync(replicationPassFile, 'utf8') : ''
  const known = present.trim().split(':').at(-1)
  if (known) return known
  const password = randomBytes(24).toString('base64url')
  // Any host, port and database: the file goes with the data from one primary to the next.
  writePrivateFile(replicationPassFile, `*:*:*:${replicationRole}:${password}\n`, user)
  return password
}
