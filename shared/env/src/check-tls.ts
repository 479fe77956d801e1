import { accessSync, constants, statSync } from 'node:fs'
import { connectionOptions, type SslMode, type TlsOptions, tlsContradiction } from '@shared/database'
import type { Issues } from './issues.ts'
import { withVariables } from './option-variables.ts'

const fileVariables = ['DATABASE_SSL_ROOT_CERT', 'DATABASE_SSL_CERT', 'DATABASE_SSL_KEY'] as const

/**
 * Checks that what is said of TLS fits together, and that its files are there.
 *
 * @param said By variable: what the environment and DATABASE_URL say, with the mode that holds.
 */
export function checkTls(
  said: Readonly<Record<string, unknown>> & { readonly DATABASE_SSL_MODE: SslMode },
  issues: Issues,
): void {
  const text = (variable: string) => said[variable] as string | undefined
  if (issues.has('DATABASE_SSL_MODE') || issues.has('DATABASE_SSL_NEGOTIATION')) return
  const options: TlsOptions = {
    sslMode: said.DATABASE_SSL_MODE,
    sslRootCert: text('DATABASE_SSL_ROOT_CERT'),
    sslCert: text('DATABASE_SSL_CERT'),
    sslKey: text('DATABASE_SSL_KEY'),
    sslNegotiation: text('DATABASE_SSL_NEGOTIATION') === 'direct' ? 'direct' : 'postgres',
    channelBinding: text('DATABASE_CHANNEL_BINDING') === 'require' ? 'require' : 'prefer',
  }
  const found = tlsContradiction(options)
  if (found) issues.add(connectionOptions[found.option].variable, withVariables(found.problem))
  const { sslMode } = options
  for (const variable of fileVariables) {
    const path = text(variable)
    if (path === undefined || issues.has(variable)) continue
    if (sslMode === 'disable' || (sslMode === 'prefer' && variable === 'DATABASE_SSL_ROOT_CERT'))
      issues.add(variable, `is not used by SSL mode ${sslMode}: set DATABASE_SSL_MODE=verify-full`)
    else checkFile(variable, path, issues)
  }
}

function checkFile(variable: string, path: string, issues: Issues): void {
  // The system's authorities, not a file.
  if (variable === 'DATABASE_SSL_ROOT_CERT' && path === 'system') return
  try {
    accessSync(path, constants.R_OK)
    if (!statSync(path).isFile()) issues.add(variable, 'is not a regular file')
  } catch {
    issues.add(variable, 'names a file that does not exist or cannot be read')
  }
}
