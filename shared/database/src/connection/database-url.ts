import { isIPv6 } from 'node:net'
import { type SslMode, sslModes } from '../options.ts'

/** What a database's URL says, decoded; a piece it leaves out is `undefined`. */
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

type SettingOf = (parameter: string) => string | undefined

/**
 * Reads `postgresql://user:password@host:port/database?sslmode=…`.
 *
 * `postgres://` and a driver's suffix as SQLAlchemy writes it (`postgresql+asyncpg://`) mean the same. User,
 * password and database are percent-decoded. One host only; no query parameter but sslmode, because the driver
 * would send any other to the server as a setting.
 *
 * @param settingOf What sets, in place of the URL, what a parameter of that name would; it is then named.
 * @returns The pieces, or what is wrong, each to be read after the URL's name. No problem repeats a piece of the text:
 *   unescaped, a password can end up in any of them.
 */
export function parseDatabaseUrl(
  text: string,
  settingOf: SettingOf = () => undefined,
): { parts: DatabaseUrlParts } | { problems: string[] } {
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
  return readParts(new URL(`postgresql://${rest}`), settingOf)
}

function readParts(url: URL, settingOf: SettingOf): { parts: DatabaseUrlParts } | { problems: string[] } {
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
  const mayName = host !== undefined && parts.user !== undefined
  const sslMode = readSslMode(url.searchParams, problems, mayName, settingOf)
  return problems.length > 0 ? { problems } : { parts: { ...parts, sslMode } }
}

function readSslMode(
  query: URLSearchParams,
  problems: string[],
  mayName: boolean,
  settingOf: SettingOf,
): SslMode | undefined {
  for (const name of new Set(query.keys())) {
    if (name === 'sslmode') continue
    const setting = settingOf(name)
    if (setting) problems.push(`must not have the parameter ${name}: set ${setting}`)
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

/** Whether a connection can be opened to this name; IPv6 without its brackets. */
export function isHost(value: string): boolean {
  if (value.includes(':')) return isIPv6(value) && !value.includes('%')
  return value.length <= 253 && /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?$/i.test(value)
}

/** Whether text has no control character and can be encoded as UTF-8. */
export function isPlainText(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  return value.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(value)
}
