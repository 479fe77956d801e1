import { serverEndPoint } from './channel-binding.ts'
import { loginError } from './messages.ts'
import type { Binding } from './scram.ts'

/** What is known of the connection that a login is made over. */
export interface Encryption {
  readonly isEncrypted: boolean
  /** The server's, DER. */
  readonly serverCertificate: Buffer | null
}

const plain = 'SCRAM-SHA-256'
const bound = 'SCRAM-SHA-256-PLUS'

/**
 * Chooses one of the SASL mechanisms that a server offers, as libpq does: the bound one where there is TLS. Where the
 * server does not offer that over TLS, the exchange says so (`y`), and a server that did notices that somebody took it away.
 */
export function chooseMechanism(
  offered: readonly string[],
  { isEncrypted, serverCertificate }: Encryption,
  channelBinding: 'disable' | 'prefer' | 'require',
): { mechanism: string; binding: Binding } {
  const endPoint =
    isEncrypted && serverCertificate && channelBinding !== 'disable'
      ? serverEndPoint(serverCertificate)
      : null
  if (offered.includes(bound) && !isEncrypted)
    throw loginError(
      'LOGIN_CHANNEL_BINDING',
      'The server offers to bind the login to TLS, on a connection without TLS: somebody stands between.',
    )
  if (offered.includes(bound) && endPoint)
    return { mechanism: bound, binding: { header: 'p=tls-server-end-point,,', data: endPoint } }
  if (channelBinding === 'require') throw unbound()
  if (offered.includes(plain))
    return { mechanism: plain, binding: { header: endPoint ? 'y,,' : 'n,,', data: Buffer.alloc(0) } }
  throw loginError(
    'LOGIN_UNSUPPORTED',
    'The server asks for a login that is not spoken here: have it ask for scram-sha-256, or for a certificate.',
  )
}

/** A login that is not bound to its TLS connection, where that is required. */
export const unbound = (): Error =>
  loginError(
    'LOGIN_CHANNEL_BINDING',
    'channelBinding is require, and the server did not bind the login to TLS: use TLS, and scram-sha-256 in pg_hba.conf.',
  )
