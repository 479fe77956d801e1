import { ConnectError, StatementTimeoutError } from '@shared/pool'
import { serverState } from '../errors.ts'
import type { Target } from './target.ts'

/** Classes of SQLSTATE that a server leaves by itself: connection trouble, out of resources, starting or stopping. */
const passing = /^(?:08|53|57|58|XX)/

const hints: Record<string, string> = {
  '28P01': 'Check the user and the password.',
  '28000': 'Check pg_hba.conf and that the role may log in.',
  '3D000': 'The database does not exist: provision it, or correct its name.',
  '42501': 'The role may not connect to this database: each service reaches its own only.',
  '53300': 'Too many connections: lower the pools, or raise the limit of the role or the server.',
  '57P03': 'The server is starting up or shutting down.',
  ECONNREFUSED: 'Nothing listens there: start the server, or correct host and port.',
  ENOTFOUND: 'The host name is not known: correct it.',
  TLS_NOT_OFFERED: 'The server does not offer TLS: switch it on there (ssl = on), or set sslMode to disable.',
  TLS_PROTOCOL: 'What answers there is not a PostgreSQL server, or somebody stands between.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    "The server's certificate names another host: connect by a name that it has, or issue one with this name.",
  CERT_HAS_EXPIRED: "The server's certificate has expired: renew it.",
}

// PgBouncer's words for what it does not know at login; it names nothing but the setting.
const refusedSetting = /^unsupported startup parameter(?: in options)?: (\w+)/

const untrusted =
  "The server's certificate is signed by nobody known: give the file of its authority as sslRootCert."

/** Makes the ConnectError for a failed attempt: who, where, which code, what to do; never the password. */
export function toConnectError(cause: unknown, target: Target, timeoutMs: number): ConnectError {
  if (cause instanceof ConnectError) return cause
  const where = `${target.user}@${target.host}:${target.port}/${target.database}`
  if (cause instanceof StatementTimeoutError) {
    return new ConnectError(
      `${where} did not answer within ${timeoutMs} ms. Check that the address is right and reachable.`,
      {
        cause,
        driverCode: 'CONNECT_TIMEOUT',
      },
    )
  }
  const { code } = (cause ?? {}) as { code?: unknown }
  const sqlState = serverState(cause)
  const driverCode = sqlState === null && typeof code === 'string' ? code : null
  const reason = sqlState || driverCode ? ` (${sqlState ?? driverCode})` : ''
  const isTls = isTlsFailure(driverCode)
  const [, setting] = (sqlState && refusedSetting.exec((cause as Error).message)) || []
  const hint = setting
    ? refusalOf(setting)
    : (hints[sqlState ?? driverCode ?? ''] ?? (isTls ? untrusted : ''))
  return new ConnectError(`Could not connect to ${where}${reason}. ${hint}`.trimEnd(), {
    cause,
    sqlState,
    driverCode,
    retryable: sqlState
      ? passing.test(sqlState) && !setting
      : !isTls && driverCode !== 'SASL_SIGNATURE_MISMATCH',
  })
}

function refusalOf(setting: string): string {
  const ours = setting === 'statement_timeout' ? ' (statementTimeoutMs, DATABASE_STATEMENT_TIMEOUT)' : ''
  return (
    `A pooler refuses the setting ${setting}${ours} at login: leave it out and set it on the role instead ` +
    `(alter role … set ${setting} = …), or add it to the pooler's ignore_startup_parameters, which only drops it.`
  )
}

/**
 * Whether nothing answered there: no server's refusal, no certificate that is wrong, no file of ours that can't be read.
 */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof ConnectError) || error.sqlState !== null) return false
  return !isTlsFailure(error.driverCode) && !/_FILE$|^SASL_/.test(error.driverCode ?? '')
}

function isTlsFailure(code: string | null): boolean {
  return code !== null && /CERT|SELF_SIGNED|LEAF_SIGNATURE|TLS_|^ERR_SSL/.test(code)
}
