import { readFile } from 'node:fs/promises'
import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions as TlsConnectOptions } from 'node:tls'
import { ConnectError } from '@shared/pool'
import type { ConnectionOptions } from '../options.ts'
import type { Target } from './target.ts'

/** How one connection is encrypted. */
export interface TlsSettings {
  /** Whom the certificate must name; empty when nobody asks. */
  readonly host: string
  /** Goes on in the clear where the server offers no TLS. */
  readonly isOptional: boolean
  readonly verify: 'nothing' | 'authority' | 'authority-and-host'
  /** PEM; undefined = the system's. */
  readonly authorities: string | undefined
}

/**
 * The TLS settings for one connection, with libpq's meaning of sslmode: require encrypts, verify-ca checks who signed
 * the certificate, verify-full also whom it names. The CA file is read at each call, so that a renewed one needs no restart.
 *
 * @returns null for no TLS at all.
 * @throws {ConnectError} naming the CA file when it can't be used.
 */
export async function tlsSettings(target: Target, options: ConnectionOptions): Promise<TlsSettings | null> {
  const mode = target.sslMode ?? options.sslMode
  if (mode === 'disable') return null
  const { host } = target
  if (mode === 'prefer' || mode === 'require') {
    return { host, isOptional: mode === 'prefer', verify: 'nothing', authorities: undefined }
  }
  const authorities = options.sslRootCert && (await readAuthorities(options.sslRootCert))
  return {
    host,
    isOptional: false,
    verify: mode === 'verify-ca' ? 'authority' : 'authority-and-host',
    authorities: authorities || undefined,
  }
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

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Encrypts a connection that has just been opened, before anything else is said on it.
 *
 * @returns The socket to talk over: another one, or the same where TLS is optional and the server offers none.
 * @throws the socket's error, TLS' error, or one with the code TLS_NOT_OFFERED or TLS_PROTOCOL.
 */
export async function secure(raw: Socket, settings: TlsSettings): Promise<Socket> {
  const offer = await askForTls(raw)
  if (offer === 'S') return handshake(raw, settings)
  if (offer === 'N' && settings.isOptional) return raw
  throw offer === 'N'
    ? withCode('TLS_NOT_OFFERED', 'The server does not offer TLS.')
    : withCode('TLS_PROTOCOL', 'The answer to the request for TLS is not one of a PostgreSQL server.')
}

function askForTls(raw: Socket): Promise<string> {
  return settled(raw, (resolve) => {
    // One byte, and nothing behind it: more was put there by somebody between, to be taken for encrypted (CVE-2021-23222).
    raw.once('data', (answer: Buffer) => resolve(answer.toString('latin1')))
    raw.write(sslRequest)
  })
}

async function handshake(raw: Socket, { host, verify, authorities }: TlsSettings): Promise<Socket> {
  const isVerified = verify !== 'nothing'
  const options: TlsConnectOptions = {
    socket: raw,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: isVerified,
    // Who signed it is TLS' business, whom it names ours, below: TLS would not know an address from a name.
    checkServerIdentity: () => undefined,
    ...(authorities !== undefined && { ca: authorities }),
    ...(isIP(host) === 0 && { servername: host }),
  }
  const socket = connect(options)
  // Nobody else listens to the lower one, and an error without a listener ends the process.
  raw.on('error', () => {})
  raw.once('close', () => socket.destroy())
  await settled<void>(socket, (resolve) => socket.once('secureConnect', () => resolve()))
  if (isVerified && !socket.authorized) {
    throw socket.authorizationError ?? withCode('CERT_UNVERIFIED', 'The certificate could not be verified.')
  }
  const mismatch =
    verify === 'authority-and-host' ? checkServerIdentity(host, socket.getPeerCertificate()) : undefined
  if (mismatch) throw mismatch
  return socket
}

/** Waits for a step on a socket, which an error or its end fails; leaves no listener behind. */
export function settled<T>(socket: Socket, start: (resolve: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(withCode('CONNECTION_CLOSED', 'The server closed the connection.'))
    const done = () => {
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
    }
    const onError = (error: Error) => {
      done()
      // What comes after the first error has nothing to add.
      socket.on('error', () => {})
      reject(error)
    }
    socket.once('error', onError)
    socket.once('close', onClose)
    start((value) => {
      done()
      resolve(value)
    })
  })
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
