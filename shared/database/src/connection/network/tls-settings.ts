import { readFile } from 'node:fs/promises'
import { ConfigurationError, ConnectError } from '@shared/pool'
import type { ConnectionOptions } from '../../options.ts'
import type { TlsDetails } from '../connection-string/said.ts'
import { type Host, isSocketName } from '../host.ts'
import { type ClientCertificate, readClientCertificate } from './client-certificate.ts'

/** How one connection is encrypted. */
export interface TlsSettings {
  /** Whom the certificate must name; empty when nobody asks. */
  readonly host: string
  /** Goes on in the clear where the server offers no TLS. */
  readonly isOptional: boolean
  /** Begins with TLS, without asking whether the server has it. */
  readonly isDirect: boolean
  readonly verify: 'nothing' | 'authority' | 'authority-and-host'
  /** PEM; undefined = the system's. */
  readonly authorities: string | undefined
  readonly clientCertificate: ClientCertificate | null
  readonly details: TlsDetails
}

/** What `sslRootCert` is for the system's authorities. */
const systemAuthorities = 'system'

/**
 * The TLS settings for one connection, with libpq's meaning of sslmode: require encrypts, and verifies as verify-ca where
 * there is a file of authorities; verify-ca checks who signed the certificate, verify-full also whom it names. Files are read
 * at each call, so that renewed ones need no restart.
 *
 * @returns null for no TLS at all, as over a Unix socket, whatever the mode.
 * @throws {ConnectError} naming the file that can't be used.
 */
export async function tlsSettings(
  { name: host }: Host,
  options: ConnectionOptions,
  details: TlsDetails,
): Promise<TlsSettings | null> {
  const { sslMode: mode, sslRootCert, sslCert, sslKey } = options
  if (mode === 'disable' || isSocketName(host)) return null
  const isVerified = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && !!sslRootCert)
  const file = isVerified && sslRootCert !== systemAuthorities ? sslRootCert : undefined
  const [authorities, clientCertificate] = await Promise.all([
    file === undefined ? undefined : readAuthorities(file),
    sslCert === undefined || details.sendsCertificate === false
      ? null
      : readClientCertificate(sslCert, sslKey ?? sslCert, details.keyPassword),
  ])
  return {
    host,
    isOptional: mode === 'prefer',
    isDirect: options.sslNegotiation === 'direct',
    verify: mode === 'verify-full' ? 'authority-and-host' : isVerified ? 'authority' : 'nothing',
    authorities,
    clientCertificate,
    details,
  }
}

/** The options of TLS that others may contradict. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'sslMode' | 'sslRootCert' | 'sslCert' | 'sslKey' | 'sslNegotiation' | 'channelBinding'
>

/**
 * Names an option that another one contradicts, and how to put it right; null where all fit together. Options stand between
 * backticks.
 */
export function tlsContradiction(options: TlsOptions): { option: keyof TlsOptions; problem: string } | null {
  const { sslMode, sslNegotiation, sslRootCert, sslKey, sslCert, channelBinding } = options
  if (sslNegotiation === 'direct' && (sslMode === 'disable' || sslMode === 'prefer'))
    return {
      option: 'sslNegotiation',
      problem: `direct has no way back to the clear, which ${sslMode} asks for: set \`sslMode\` to require or more`,
    }
  if (channelBinding === 'require' && sslMode === 'disable')
    return {
      option: 'channelBinding',
      problem: 'require needs TLS to bind to: set `sslMode` to require or more',
    }
  if (sslRootCert === systemAuthorities && sslMode !== 'verify-full')
    return {
      option: 'sslRootCert',
      problem: 'system names authorities that sign for anybody: set `sslMode` to verify-full',
    }
  if (sslKey !== undefined && sslCert === undefined)
    return { option: 'sslKey', problem: 'is of no use without its certificate: set `sslCert`' }
  return null
}

/** @throws {ConfigurationError} where options of TLS contradict each other. */
export function refuseTlsContradiction(options: TlsOptions): void {
  const found = tlsContradiction(options)
  if (found) throw new ConfigurationError(`Option connection.${found.option} ${found.problem}.`)
}

async function readAuthorities(path: string): Promise<string> {
  try {
    const content = await readFile(path, 'utf8')
    // Without this check a file of something else would mean that nobody is trusted, reported as the server's fault.
    if (!content.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no PEM certificate in it')
    return content
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? (cause as Error).message
    throw new ConnectError(
      `The certificate authorities could not be read from ${path} (${reason}). Correct sslRootCert or the file.`,
      { cause, driverCode: 'CA_FILE', retryable: false },
    )
  }
}
