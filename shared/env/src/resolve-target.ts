import { accessSync, constants, statSync } from 'node:fs'
import { connectionOptions, type DatabaseTarget, type DatabaseUrlParts, type SslMode } from '@shared/database'
import type { z } from 'zod'
import { targetVariables } from './database-variables.ts'
import type { Issues } from './issues.ts'
import type { ServiceDefinition } from './variables.ts'

type Piece = keyof DatabaseTarget

const pieces = [
  { piece: 'host', variable: 'DATABASE_HOST', label: 'host' },
  { piece: 'port', variable: 'DATABASE_PORT', label: 'port' },
  { piece: 'database', variable: 'DATABASE_NAME', label: 'database' },
  { piece: 'user', variable: 'DATABASE_USER', label: 'user' },
  { piece: 'password', variable: 'DATABASE_PASSWORD', label: 'password' },
  { piece: 'sslMode', variable: 'DATABASE_SSL_MODE', label: 'SSL mode' },
] as const satisfies readonly { piece: Piece; variable: string; label: string }[]

/**
 * Joins DATABASE_URL and the parts into one target.
 *
 * Either form may be partial; where both say the same thing they must agree, and what `required` lists must
 * be said by one of them. Nothing is taken from the operating system's user or from `PG*` variables.
 *
 * Call it when every variable has been read on its own: a variable with an issue already is not called missing.
 */
export function resolveTarget(
  definition: ServiceDefinition,
  environment: Readonly<Record<string, string | undefined>>,
  issues: Issues,
  required: readonly Piece[],
): Partial<DatabaseTarget> {
  const table = targetVariables(definition)
  const fromUrl: DatabaseUrlParts = parse(table.DATABASE_URL.schema, environment.DATABASE_URL) ?? {}
  const fromParts: DatabaseUrlParts = {
    host: parse(table.DATABASE_HOST.schema, environment.DATABASE_HOST),
    port: parse(table.DATABASE_PORT.schema, environment.DATABASE_PORT),
    database: parse(table.DATABASE_NAME.schema, environment.DATABASE_NAME),
    user: parse(table.DATABASE_USER.schema, environment.DATABASE_USER),
    password: parse(table.DATABASE_PASSWORD.schema, environment.DATABASE_PASSWORD)?.reveal(),
    sslMode: parse(table.DATABASE_SSL_MODE.schema, environment.DATABASE_SSL_MODE),
  }
  for (const { piece, variable, label } of pieces) {
    if (differ(fromUrl[piece], fromParts[piece], piece)) {
      issues.add(variable, `and DATABASE_URL name a different ${label}: make them agree or drop one`)
    }
  }
  reportMissing(environment, fromUrl, fromParts, issues, required)
  const database = fromUrl.database ?? fromParts.database
  if (
    database !== undefined &&
    parse(table.DATABASE_NAME_CHECK.schema, environment.DATABASE_NAME_CHECK) !== false
  ) {
    checkName(definition, database, fromUrl.database === undefined ? 'DATABASE_NAME' : 'DATABASE_URL', issues)
  }
  const sslMode = fromUrl.sslMode ?? fromParts.sslMode ?? connectionOptions.sslMode.default
  if (!issues.has('DATABASE_SSL_MODE'))
    checkRootCertificate(sslMode, environment.DATABASE_SSL_ROOT_CERT, issues)
  return {
    host: fromUrl.host ?? fromParts.host,
    port: fromUrl.port ?? fromParts.port ?? Number(table.DATABASE_PORT.default),
    database,
    user: fromUrl.user ?? fromParts.user,
    password: fromUrl.password ?? fromParts.password,
    sslMode,
  }
}

function parse<S extends z.ZodType>(schema: S, text: string | undefined): z.output<S> | undefined {
  return text === undefined ? undefined : schema.safeParse(text).data
}

function differ(
  left: string | number | undefined,
  right: string | number | undefined,
  piece: Piece,
): boolean {
  if (left === undefined || right === undefined) return false
  // DNS ignores case; roles and databases do not.
  return piece === 'host' ? String(left).toLowerCase() !== String(right).toLowerCase() : left !== right
}

function reportMissing(
  environment: Readonly<Record<string, string | undefined>>,
  fromUrl: DatabaseUrlParts,
  fromParts: DatabaseUrlParts,
  issues: Issues,
  required: readonly Piece[],
): void {
  // An unreadable URL says nothing about what it would have named.
  if (issues.has('DATABASE_URL')) return
  const missing = pieces.filter(
    ({ piece, variable }) =>
      required.includes(piece) &&
      fromUrl[piece] === undefined &&
      fromParts[piece] === undefined &&
      !issues.has(variable),
  )
  if (missing.length === 0) return
  if (environment.DATABASE_URL !== undefined) {
    const labels = missing.map(({ label }) => label).join(', ')
    const variables = missing.map(({ variable }) => variable).join(', ')
    issues.add('DATABASE_URL', `names no ${labels}: add it there or set ${variables}`)
  } else if (missing.length === required.length) {
    const variables = missing.map(({ variable }) => variable).join(', ')
    issues.add('DATABASE_URL', `is required, or in its place ${variables}`)
  } else {
    for (const { variable } of missing) issues.add(variable, 'is required (or DATABASE_URL)')
  }
}

function checkName(
  { service, database }: ServiceDefinition,
  given: string,
  variable: string,
  issues: Issues,
): void {
  if (given === database || issues.has('DATABASE_URL')) return
  // A name that is none is not repeated: it may be the tail of a password that was not escaped.
  const named = /^[a-z_][\w$-]*$/i.test(given) ? given : 'another database'
  issues.add(
    variable,
    `${service} owns ${database}, ${variable} names ${named} (DATABASE_NAME_CHECK=false allows it)`,
  )
}

function checkRootCertificate(sslMode: SslMode, path: string | undefined, issues: Issues): void {
  if (path === undefined) return
  if (sslMode !== 'verify-ca' && sslMode !== 'verify-full') {
    issues.add(
      'DATABASE_SSL_ROOT_CERT',
      `is not used by SSL mode ${sslMode}: set DATABASE_SSL_MODE=verify-full`,
    )
    return
  }
  try {
    accessSync(path, constants.R_OK)
    if (!statSync(path).isFile()) issues.add('DATABASE_SSL_ROOT_CERT', 'is not a regular file')
  } catch {
    issues.add('DATABASE_SSL_ROOT_CERT', 'names a file that does not exist or cannot be read')
  }
}
