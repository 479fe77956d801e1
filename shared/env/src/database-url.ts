import { isHost, isPlainText } from './fields.ts'

/** How far a connection insists on TLS, in libpq's words. */
export const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

/** What a DATABASE_URL says, decoded; a piece it leaves out is `undefined`. */
export interface DatabaseUrlParts {
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly sslMode?: SslMode
}

/** Everything needed to reach one database as one role. */
export interface DatabaseTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sslMode: SslMode
}

// What other stacks put in the query, and where it belongs here.
const variableOfParameter: Readonly<Record<string, string>> = {
  application_name: 'DATABASE_APPLICATION_NAME',
  connect_timeout: 'DATABASE_CONNECT_TIMEOUT',
  connection_limit: 'DATABASE_POOL_SIZE',
  idle_timeout: 'DATABASE_IDLE_TIMEOUT',
  max: 'DATABASE_POOL_SIZE',
  max_lifetime: 'DATABASE_POOL_RECYCLE',
  max_overflow: 'DATABASE_MAX_OVERFLOW',
  pgbouncer: 'DATABASE_PREPARE',
  pool_pre_ping: 'DATABASE_POOL_PRE_PING',
  pool_recycle: 'DATABASE_POOL_RECYCLE',
  pool_size: 'DATABASE_POOL_SIZE',
  pool_timeout: 'DATABASE_POOL_TIMEOUT',
  prepare: 'DATABASE_PREPARE',
  ssl: 'DATABASE_SSL_MODE',
  sslrootcert: 'DATABASE_SSL_ROOT_CERT',
  statement_timeout: 'DATABASE_STATEMENT_TIMEOUT',
}

/**
 * Reads `postgresql://user:password@host:port/database?sslmode=…`.
 *
 * `postgres://` and a driver's suffix as SQLAlchemy writes it (`postgresql+asyncpg://`) mean the same. User,
 * password and database are percent-decoded. One host only; no query parameter but sslmode, because the driver
 * would send any other to the server as a setting.
 *
 * @returns The pieces, or what is wrong. No problem repeats a piece of the text: unescaped, a password can
 *   end up in any of them.
 */
export function parseDatabaseUrl(text: string): { parts: DatabaseUrlParts } | { problems: string[] } {
  if (/\s/.test(text) || !isPlainText(text))
    return { problems: ['must not contain spaces or control characters'] }
  const scheme = /^postgres(?:ql)?(?:\+[a-z0-9_]+)?:\/\//i.exec(text)?.[0]
  if (scheme === undefined) return { problems: ['must begin with postgresql:// (or postgres://)'] }
  const rest = text.slice(scheme.length)
  const authority = rest.split(/[/?#]/, 1)[0] ?? ''
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(',')) {
    return { problems: ['names several hosts: give one; put a proxy or DNS name in front of a cluster'] }
  }
  if (!URL.canParse(`postgresql://${rest}`) || rest.includes('#')) {
    return { problems: ['cannot be read: percent-encode / ? # @ : and % in user and password (@ is %40)'] }
  }
  return readParts(new URL(`postgresql://${rest}`))
}

function readParts(url: URL): { parts: DatabaseUrlParts } | { problems: string[] } {
  const problems: string[] = []
  const decode = (piece: string, name: string): string | undefined => {
    if (piece === '') return undefined
    try {
      const decoded = decodeURIComponent(piece)
      if (isPlainText(decoded)) return decoded
      problems.push(`has a control character in its ${name}`)
    } catch {
      problems.push(`has a % in its ${name} that begins no escape: write it as %25`)
    }
    return undefined
  }
  const host = decode(url.hostname.replace(/^\[(.*)\]$/, '$1'), 'host')
  if (host !== undefined && !isHost(host)) problems.push('must name its host by name or IP address')
  if (url.port === '0') problems.push('must have a port from 1 to 65535')
  if (url.pathname.slice(1).includes('/')) problems.push('must end with the database name, without another /')
  const parts = {
    host,
    port: url.port === '' ? undefined : Number(url.port),
    user: decode(url.username, 'user'),
    password: decode(url.password, 'password'),
    database: decode(url.pathname.slice(1), 'database name'),
  }
  // Without these, what follows the ? may be the rest of an unescaped password: do not name it.
  const sslMode = readSslMode(url.searchParams, problems, host !== undefined && parts.user !== undefined)
  return problems.length > 0 ? { problems } : { parts: { ...parts, sslMode } }
}

function readSslMode(query: URLSearchParams, problems: string[], mayName: boolean): SslMode | undefined {
  for (const name of new Set(query.keys())) {
    if (name === 'sslmode') continue
    const variable = Object.hasOwn(variableOfParameter, name) ? variableOfParameter[name] : undefined
    if (variable) problems.push(`must not have the parameter ${name}: set ${variable}`)
    else if (mayName && /^[a-z_]{1,30}$/i.test(name))
      problems.push(`must not have the parameter ${name}: remove it`)
    else problems.push('must not have parameters other than sslmode')
  }
  const [value, ...more] = query.getAll('sslmode')
  if (value === undefined) return undefined
  const sslMode = sslModes.find((mode) => mode === value)
  if (sslMode === undefined || more.length > 0) problems.push(`must have one sslmode: ${sslModes.join(', ')}`)
  return sslMode
}

/** Writes a target as a URL that leaves nothing to a driver's defaults or `PG*` variables. */
export function formatDatabaseUrl(target: DatabaseTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const credentials = `${encodeURIComponent(target.user)}:${encodeURIComponent(target.password)}`
  const path = `${encodeURIComponent(target.database)}?sslmode=${target.sslMode}`
  return `postgresql://${credentials}@${host}:${target.port}/${path}`
}
