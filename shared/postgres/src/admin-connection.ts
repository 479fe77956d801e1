import postgres from 'postgres'

/** A postgres.js client that holds exactly one connection. */
export type AdminSql = postgres.Sql

/** One open connection. */
export interface Session extends AsyncDisposable {
  readonly sql: AdminSql
  /**
   * Sends statements as one message, and never on another connection than all before: once this one is gone it throws
   * `CONNECTION_CLOSED`, where the driver's client would connect anew, outside the transaction that was begun.
   */
  run(statements: string): Promise<void>
  /** Idempotent and always settles, within a second also when the peer is silent. */
  close(): Promise<void>
}

/** How {@link openSession} connects. */
export interface SessionOptions {
  /** Replaces the database of the URL. */
  database?: string
  /** Replaces user and password of the URL. */
  login?: { name: string; password: string }
  /** One deadline over connect, TLS and login. Default 10 000. */
  timeoutMs?: number
  applicationName?: string
  /** Called once when the connection is gone, also after {@link Session.close}. */
  onClose?: () => void
}

const sslByMode: Record<string, 'require' | 'prefer' | 'allow' | 'verify-full' | false> = {
  disable: false,
  allow: 'allow',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
}

/** Splits `postgres://user:password@host:port/database[?sslmode=…]`; throws a TypeError that does not repeat the URL. */
export function parseAdminUrl(adminUrl: string) {
  if (!URL.canParse(adminUrl) || !/^postgres(ql)?:$/.test(new URL(adminUrl).protocol)) {
    throw new TypeError('the admin URL must look like postgres://user:password@host:port/database')
  }
  const url = new URL(adminUrl)
  const user = decodeURIComponent(url.username)
  return {
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    ssl: sslByMode[url.searchParams.get('sslmode') ?? 'disable'] ?? 'require',
  }
}

/** The same URL with another database, and another login where given. */
export function withUrl(
  adminUrl: string,
  change: { database?: string; login?: { name: string; password: string } },
): string {
  const url = new URL(adminUrl)
  if (change.database !== undefined) url.pathname = `/${encodeURIComponent(change.database)}`
  if (change.login !== undefined) {
    url.username = encodeURIComponent(change.login.name)
    url.password = encodeURIComponent(change.login.password)
  }
  return url.href
}

/**
 * Connects and proves it with a query.
 *
 * Throws the server's or the driver's error. Every option is passed explicitly, as postgres.js reads `PG*` variables
 * for those that are missing; the password is a function, since an empty string would fall back to `PGPASSWORD`.
 */
export async function openSession(adminUrl: string, options: SessionOptions = {}): Promise<Session> {
  const target = parseAdminUrl(adminUrl)
  const timeoutMs = options.timeoutMs ?? 10_000
  let gone = false
  const sql = postgres({
    host: target.host,
    port: target.port,
    user: options.login?.name ?? target.user,
    password: () => options.login?.password ?? target.password,
    database: options.database ?? target.database,
    ssl: target.ssl,
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: timeoutMs / 1000,
    backoff: false,
    keep_alive: 60,
    prepare: false,
    fetch_types: false,
    debug: false,
    onnotice: () => {},
    onclose: () => {
      if (gone) return
      gone = true
      options.onClose?.()
    },
    connection: { application_name: options.applicationName ?? 'shared-postgres' },
  })
  const run = async (statements: string): Promise<void> => {
    if (gone) throw Object.assign(new Error('the connection is closed'), { code: 'CONNECTION_CLOSED' })
    await sql.unsafe(statements)
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= sql.end({ timeout: 1 }).catch(() => {})
    return closing
  }
  // A peer that closes during startup makes the driver reconnect without end: only a timer of our own stops that.
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    deadline.reject(Object.assign(new Error(`no login within ${timeoutMs} ms`), { code: 'CONNECT_TIMEOUT' }))
  }, timeoutMs)
  try {
    await Promise.race([sql`select 1`, deadline.promise])
  } catch (error) {
    await sql.end({ timeout: 0 }).catch(() => {})
    throw error
  } finally {
    clearTimeout(timer)
  }
  return { sql, run, close, [Symbol.asyncDispose]: close }
}
