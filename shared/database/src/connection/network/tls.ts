import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions as TlsConnectOptions } from 'node:tls'
import type { TlsSettings } from './tls-settings.ts'

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Encrypts a connection that has just been opened, before anything else is said on it.
 *
 * @returns The socket to talk over: another one, or the same where TLS is optional and the server offers none.
 * @throws the socket's error, TLS' error, or one with the code TLS_NOT_OFFERED, TLS_PROTOCOL or TLS_NOT_DIRECT.
 */
export async function secure(raw: Socket, settings: TlsSettings): Promise<Socket> {
  if (settings.isDirect) return handshake(raw, settings)
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

/** What a client of PostgreSQL calls its protocol, so that nothing else is talked to over TLS from the start. */
const protocol = 'postgresql'

async function handshake(raw: Socket, settings: TlsSettings): Promise<Socket> {
  const { host, verify, isDirect } = settings
  const socket = connect({ socket: raw, ...connectOptions(settings) })
  // Nobody else listens to the lower one, and an error without a listener ends the process.
  raw.on('error', () => {})
  raw.once('close', () => socket.destroy())
  await settled<void>(socket, (resolve) => socket.once('secureConnect', () => resolve()))
  if (verify !== 'nothing' && !socket.authorized) {
    throw socket.authorizationError ?? withCode('CERT_UNVERIFIED', 'The certificate could not be verified.')
  }
  const mismatch =
    verify === 'authority-and-host' ? checkServerIdentity(host, socket.getPeerCertificate()) : undefined
  if (mismatch) throw mismatch
  if (isDirect && socket.alpnProtocol !== protocol)
    throw withCode('TLS_NOT_DIRECT', 'What answers with TLS did not agree on the protocol of PostgreSQL.')
  return socket
}

function connectOptions({
  host,
  verify,
  isDirect,
  authorities,
  clientCertificate,
  details,
}: TlsSettings): TlsConnectOptions {
  const { minVersion = 'TLSv1.2', maxVersion, namesServer = true } = details
  return {
    minVersion,
    rejectUnauthorized: verify !== 'nothing',
    // Who signed it is TLS' business, whom it names ours: TLS would not know an address from a name.
    checkServerIdentity: () => undefined,
    ...(maxVersion && { maxVersion }),
    ...(authorities !== undefined && { ca: authorities }),
    ...(namesServer && isIP(host) === 0 && { servername: host }),
    ...(isDirect && { ALPNProtocols: [protocol] }),
    ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
  }
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
