import { ConnectError, StatementTimeoutError } from '@shared/pool'
import { serverState } from '../errors.ts'
import type { ConnectionOptions } from '../options.ts'
import { settingOwners } from './session-settings.ts'
import { type Host, hostName, type Target } from './target.ts'

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
  ENOENT: 'There is no such socket: start the server, or correct the folder and the port.',
  EACCES: 'This user may not open that socket: correct the folder or its rights.',
  ENOTFOUND: 'The host name is not known: correct it.',
  TLS_NOT_OFFERED: 'The server does not offer TLS: switch it on there (ssl = on), or set sslMode to disable.',
  TLS_PROTOCOL: 'What answers there is not a PostgreSQL server, or somebody stands between.',
  TLS_NOT_DIRECT:
    'The server does not take TLS from the start: it needs PostgreSQL 17 or later. Set sslNegotiation to postgres.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    "The server's certificate names another host: connect by a name that it has, or issue one with this name.",
  CERT_HAS_EXPIRED: "The server's certificate has expired: renew it.",
}

// PgBouncer's words for what it does not know at login; it names nothing but the setting.
const refusedSetting = /^unsupported startup parameter(?: in options)?: (\w+)/

// What a server refuses a session for that begins with a setting: a bad value, no such name, no right to it, one that is fixed.
const settingCodes = /^(?:22023|42704|42501|55P02)$/

// Where the server compares how a login is bound to TLS with what it has offered.
const bindingRoutine = /^read_client_(?:first|final)_message$/
const misbound =
  'The login is bound to another TLS connection than the server has: somebody stands between. If that is a proxy of your own, set channelBinding to disable.'

const untrusted =
  "The server's certificate is signed by nobody known: give the file of its authority as sslRootCert."

/** What is known of a failed attempt. */
export interface FailedAttempt {
  readonly target: Target
  readonly options: ConnectionOptions
  readonly host: Host
  readonly timeoutMs: number
  /** Each address of the host that was tried, and what became of it. */
  readonly tried: readonly string[]
}

/** Makes the ConnectError for a failed attempt: who, where, which code, what to do; never the password. */
export function toConnectError(
  cause: unknown,
  { target, options, host, timeoutMs, tried }: FailedAttempt,
): ConnectError {
  if (cause instanceof ConnectError) return cause
  // An address says nothing that the host does not, where that is an address itself, or the folder of a socket.
  const addresses =
    tried.length > 0 && !tried.every((one) => one.startsWith(host.name)) ? ` Tried ${tried.join(', ')}.` : ''
  const where = `${target.user}@${hostName(host)}/${target.database}`
  if (cause instanceof StatementTimeoutError) {
    return new ConnectError(
      `${where} did not answer within ${timeoutMs} ms. Check that the address is right and reachable.${addresses}`,
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
  const isLogin = isLoginFailure(driverCode)
  const [, setting] = (sqlState && refusedSetting.exec((cause as Error).message)) || []
  const owner = sqlState ? ownerOfRefused(sqlState, cause as Error, target, options) : undefined
  const hint = setting
    ? refusalOf(setting, owner)
    : owner
      ? `The server does not begin a session with ${owner}: correct its name or value, or the rights of the role.`
      : sqlState === '28000' && bindingRoutine.test(String((cause as { routine?: string }).routine))
        ? misbound
        : isLogin
          ? (cause as Error).message
          : (hints[sqlState ?? driverCode ?? ''] ?? (isTls ? untrusted : ''))
  const details = sqlState === null && !isTls && !isLogin ? addresses : ''
  return new ConnectError(`Could not connect to ${where}${reason}. ${hint}`.trimEnd() + details, {
    cause,
    sqlState,
    driverCode,
    retryable: sqlState ? passing.test(sqlState) && !setting : !isTls && !isLogin,
  })
}

/** What gave the setting that a login was refused for; undefined where it was another reason. */
function ownerOfRefused(
  sqlState: string,
  { message }: Error,
  target: Target,
  options: ConnectionOptions,
): string | undefined {
  const [, pooled] = refusedSetting.exec(message) ?? []
  // The server's words are in its own language, and the name between its quotes.
  const name =
    pooled ?? (settingCodes.test(sqlState) ? /["«„]\s?([\w.$]+)\s?["»“]/.exec(message)?.[1] : undefined)
  return name && settingOwners(target, options).get(name.toLowerCase())
}

function refusalOf(setting: string, owner: string | undefined): string {
  const given = setting === 'statement_timeout' ? 'statementTimeoutMs, DATABASE_STATEMENT_TIMEOUT' : owner
  return (
    `A pooler refuses the setting ${setting}${given ? ` (${given})` : ''} at login: leave it out and set it on the role instead ` +
    `(alter role … set ${setting} = …), or add it to the pooler's ignore_startup_parameters, which only drops it.`
  )
}

/**
 * Whether nothing answered there: no server's refusal, no certificate that is wrong, no file of ours that can't be read.
 */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof ConnectError) || error.sqlState !== null) return false
  const { driverCode } = error
  return !isTlsFailure(driverCode) && !isLoginFailure(driverCode) && !/_FILE$/.test(driverCode ?? '')
}

/** Whether a code is one of `LoginErrorCode`: by its own words, what is wrong and what to do. */
function isLoginFailure(code: string | null): boolean {
  return code !== null && /^LOGIN_|^SASL_/.test(code)
}

function isTlsFailure(code: string | null): boolean {
  return code !== null && /CERT|SELF_SIGNED|LEAF_SIGNATURE|TLS_|^ERR_SSL/.test(code)
}
