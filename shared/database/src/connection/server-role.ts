import { serverState } from '../errors.ts'
import type { ConnectionOptions } from '../options.ts'
import type { Target } from './target.ts'

/** What a server says that it is. */
export interface ServerRole {
  readonly isStandby: boolean
  /** default_transaction_read_only: a primary that takes no writes. */
  readonly isReadOnly: boolean
  /** Of a primary: a promotion begins a new one. Null for a standby. */
  readonly timeline: number | null
}

const roleText = `select pg_is_in_recovery() as "isStandby",
  current_setting('default_transaction_read_only') = 'on' as "isReadOnly"`

/**
 * The time line that a primary writes: the first eight digits of its log file's name. The control file has it only after the
 * next checkpoint, and a standby can't be asked for a file's name.
 */
const timelineText = `case when pg_is_in_recovery() then null
  else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as timeline`

/**
 * Asks a server what it is; where there is no log to ask about, as on Aurora, or the role may not, without the time line.
 *
 * @param ask Runs a statement that returns one row.
 * @param columns More of it, asked for only together with the time line.
 */
export async function readServerRole<T extends object = object>(
  ask: (text: string) => PromiseLike<unknown>,
  columns = '',
): Promise<ServerRole & Partial<T>> {
  const read = async (text: string) => ((await ask(text)) as [ServerRole & Partial<T>])[0]
  try {
    return await read(`${roleText}, ${timelineText}${columns}`)
  } catch (error) {
    // Not supported, not there or not allowed.
    if (!/^(?:0A|42|55)/.test(serverState(error) ?? '')) throw error
    return { ...(await read(roleText)), timeline: null }
  }
}

/** Which servers are connected to, as libpq defines target_session_attrs. */
export type SessionAttrs = Exclude<ConnectionOptions['targetSessionAttrs'], 'auto'>

/** What `targetSessionAttrs` asks for: where it is `auto`, the one host whatever it is, of several the one that takes writes. */
export function sessionAttrs(target: Target, { targetSessionAttrs }: ConnectionOptions): SessionAttrs {
  if (targetSessionAttrs !== 'auto') return targetSessionAttrs
  return target.hosts.length > 1 ? 'read-write' : 'any'
}

/**
 * Why a server is not one of those asked for, to be read after its name; null when it is.
 *
 * @see PostgreSQL, "Database Connection Control Functions", target_session_attrs
 */
export function mismatch(role: ServerRole, attrs: SessionAttrs): string | null {
  const { isStandby, isReadOnly } = role
  switch (attrs) {
    case 'any':
    case 'prefer-standby':
      return null
    case 'primary':
      return isStandby ? 'is a standby' : null
    case 'standby':
      return isStandby ? null : 'is no standby'
    case 'read-write':
      if (isStandby) return 'is a standby'
      return isReadOnly ? 'takes no writes (default_transaction_read_only)' : null
    case 'read-only':
      return isStandby || isReadOnly ? null : 'takes writes'
  }
}
