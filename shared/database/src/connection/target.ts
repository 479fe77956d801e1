import { ConfigurationError } from '@shared/pool'
import { type SslMode, sslModes } from '../options.ts'

/** Where a database is and who connects to it. */
export interface Target {
  host: string
  port: number
  database: string
  user: string
  password: string
  /** Wins over `password`; read at each connect. */
  passwordFile: string | undefined
  /** The URL's own sslmode, if it has one. */
  sslMode: SslMode | undefined
}

const expected = 'Expected postgres://user:password@host:port/database.'

/**
 * Takes a connection URL apart; nothing of it is filled in from PG* variables or the operating system.
 *
 * @throws {ConfigurationError} naming the part that is missing or not understood, never the password.
 */
export function parseTarget(url: string, passwordFile?: string): Target {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw new ConfigurationError(`The database URL is not a URL. ${expected}`)
  }
  if (!/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new ConfigurationError(`The database URL begins with ${parsed.protocol}//. ${expected}`)
  }
  // To the driver an unknown parameter is a server setting, and the server refuses it.
  const parameter = [...parsed.searchParams.keys()].find((key) => key !== 'sslmode')
  if (parameter) {
    throw new ConfigurationError(
      `The database URL has the parameter ${parameter}: only sslmode is understood there.`,
    )
  }
  const sslMode = parsed.searchParams.get('sslmode') ?? undefined
  if (!isSslMode(sslMode)) {
    throw new ConfigurationError(
      `The database URL has an sslmode that is not understood: it must be one of ${sslModes.join(', ')}.`,
    )
  }
  if (passwordFile === '') {
    throw new ConfigurationError('Option passwordFile must be the path of a file, or left out.')
  }
  const target: Target = {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(parsed.port || 5432),
    database: decode('database', parsed.pathname.slice(1)),
    user: decode('user', parsed.username),
    password: decode('password', parsed.password),
    passwordFile,
    sslMode,
  }
  for (const part of ['host', 'user', 'database'] as const) {
    if (!target[part]) throw new ConfigurationError(`The database URL names no ${part}. ${expected}`)
  }
  return target
}

function isSslMode(text: string | undefined): text is SslMode | undefined {
  return text === undefined || sslModes.some((mode) => mode === text)
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ConfigurationError(
      `The ${part} in the database URL is not percent-encoded correctly: write % as %25, @ as %40, / as %2F.`,
    )
  }
}
