import type { SqlConnection } from '@shared/database'
import { type Blockage, blockageRows, blockageTables, type LockRow, readBlockages } from './blockages.ts'
import { maskStatement } from './mask-statement.ts'

/** What the server reports of itself and of the role that asks. */
export interface ServerReport {
  version: string
  uptimeMs: number
  inRecovery: boolean
  maxConnections: number
  /** Connections kept back for superusers and reserved roles. */
  reservedConnections: number
  /** Client connections of all roles now. */
  usedConnections: number
  /** The CONNECTION LIMITs of the other roles that can log in, superusers apart, together; roles without one add nothing. */
  promisedToOthers: number
  /** The CONNECTION LIMIT of the database; null: none of its own. */
  databaseLimit: number | null
  role: {
    name: string
    connections: number
    /** null: no limit of its own. */
    connectionLimit: number | null
  }
  confinement: Confinement
  /** The oldest open transaction of this role; null when there is none. */
  longestTransactionMs: number | null
  /** What this role's connections are doing, the oldest first, 50 at most; idle ones and the report's own are left out. */
  statements: RunningStatement[]
  /** Who keeps this role's statements waiting for locks, the one with the most victims first; empty when none waits. */
  blockages: Blockage[]
}

/** A connection at work, or holding a transaction open. */
export interface RunningStatement {
  pid: number
  /** `active`, `idle in transaction` … as in pg_stat_activity. */
  state: string
  /** How long the statement has been running, or the transaction idle. */
  ageMs: number
  /** What it waits for, as `type/event`; null while it computes. */
  waitEvent: string | null
  /** The statement, or the last one; strings, numbers and comments left out. */
  text: string
}

/** Whether the role can do no more than its own service needs; `findings` says where not. */
export interface Confinement {
  confined: boolean
  findings: string[]
}

// One statement: a report must be one moment's, and costs one round trip.
const reportText = `
with recursive me as (
  select r.*, (select count(*)::int from pg_stat_activity a where a.usename = r.rolname and a.backend_type = 'client backend') as connections
  from pg_roles r where r.rolname = current_user
),${blockageTables}
select
  current_setting('server_version') as version,
  (extract(epoch from clock_timestamp() - pg_postmaster_start_time()) * 1000)::float8 as uptime,
  pg_is_in_recovery() as recovery,
  current_setting('max_connections')::int as max,
  current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved,
  (select coalesce(sum(numbackends), 0)::int from pg_stat_database where datid <> 0) as used,
  (select coalesce(sum(o.rolconnlimit), 0)::int from pg_roles o
    where o.rolcanlogin and not o.rolsuper and o.rolconnlimit > 0 and o.rolname <> me.rolname) as promised,
  (select nullif(datconnlimit, -1) from pg_database where datname = current_database()) as "databaseLimit",
  me.rolname as role, me.connections, nullif(me.rolconnlimit, -1) as "limit",
  (select (extract(epoch from clock_timestamp() - min(a.xact_start)) * 1000)::float8 from pg_stat_activity a
    where a.usename = me.rolname and a.pid <> pg_backend_pid()) as longest,
  array_remove(array[
    case when me.rolsuper then 'superuser' end,
    case when me.rolcreatedb then 'may create databases' end,
    case when me.rolcreaterole then 'may create roles' end,
    case when me.rolreplication then 'may replicate' end,
    case when me.rolbypassrls then 'bypasses row security' end,
    case when has_database_privilege(current_database(), 'CREATE') then 'may create schemas' end,
    case when has_database_privilege(current_database(), 'TEMPORARY') then 'may create temporary tables' end,
    case when has_schema_privilege('public', 'CREATE') then 'may create tables' end
  ] || array(
    select 'may connect to ' || d.datname from pg_database d
    where d.datallowconn and d.datname <> current_database() and has_database_privilege(d.oid, 'CONNECT') order by 1
  ) || array(
    select 'is member of ' || g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid
    where m.member = me.oid order by 1
  ), null) as findings,
  (select coalesce(json_agg(s order by s."ageMs" desc), '[]') from (
    select a.pid, a.state,
      (extract(epoch from clock_timestamp() - case a.state when 'active' then a.query_start else a.state_change end) * 1000)::float8 as "ageMs",
      a.wait_event_type || '/' || a.wait_event as "waitEvent", left(a.query, 10000) as text, length(a.query) as length
    from pg_stat_activity a
    where a.usename = me.rolname and a.pid <> pg_backend_pid() and a.state not in ('idle', 'disabled')
    order by "ageMs" desc limit 50
  ) s) as statements,
  ${blockageRows} as locks
from me`

/** Asks for the report over a connection of the role concerned. */
export async function readServerReport(connection: SqlConnection): Promise<ServerReport> {
  const [row] = (await connection.run(reportText, [], false)) as unknown as [ReportRow]
  return {
    version: row.version,
    uptimeMs: Math.round(row.uptime),
    inRecovery: row.recovery,
    maxConnections: row.max,
    reservedConnections: row.reserved,
    usedConnections: row.used,
    promisedToOthers: row.promised,
    databaseLimit: row.databaseLimit,
    role: { name: row.role, connections: row.connections, connectionLimit: row.limit },
    confinement: { confined: row.findings.length === 0, findings: row.findings },
    longestTransactionMs: row.longest === null ? null : Math.round(row.longest),
    statements: row.statements.map(({ text, length, ...statement }) => ({
      ...statement,
      ageMs: Math.max(0, Math.round(statement.ageMs)),
      text: maskStatement(text, length),
    })),
    blockages: readBlockages(row.locks),
  }
}

interface ReportRow {
  version: string
  uptime: number
  recovery: boolean
  max: number
  reserved: number
  used: number
  role: string
  connections: number
  limit: number | null
  longest: number | null
  findings: string[]
  promised: number
  databaseLimit: number | null
  statements: (RunningStatement & { length: number })[]
  locks: LockRow[]
}
