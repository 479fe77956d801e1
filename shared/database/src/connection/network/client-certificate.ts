import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { ConnectError } from '@shared/pool'

/** A certificate with its key, both PEM; the key is not encrypted. */
export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

/**
 * Reads the certificate that says to the server who connects. All is checked here, because TLS with a key that does not fit
 * waits for ever in Bun.
 *
 * @param certFile May have the authorities between behind the certificate.
 * @param keyFile Must be for its owner alone, as libpq has it.
 * @param keyPassword What the key is encrypted with.
 * @throws {ConnectError} naming the file that can't be used, and why.
 */
export async function readClientCertificate(
  certFile: string,
  keyFile: string,
  keyPassword?: string,
): Promise<ClientCertificate> {
  const [certificate, parsed] = await fromFile('certificate', certFile, async () => {
    const content = await readFile(certFile, 'utf8')
    if (!content.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no PEM certificate in it')
    return [content, new X509Certificate(content)] as const
  })
  return await fromFile('key of the certificate', keyFile, async () => {
    const { mode, uid } = await stat(keyFile)
    // One that belongs to root may be for a group too, which the program is in.
    const others = uid === 0 ? 0o037 : 0o077
    if (process.platform !== 'win32' && (mode & others) !== 0)
      throw new Error('others may read it: chmod 600')
    const key = createPrivateKey({
      key: privateKeyIn(await readFile(keyFile, 'utf8')),
      format: 'pem',
      passphrase: keyPassword,
    })
    if (!parsed.checkPrivateKey(key)) throw new Error(`not the key of the certificate in ${certFile}`)
    return { certificate, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
  })
}

/** The key in a file that may have certificates too. */
function privateKeyIn(content: string): string {
  const key = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?-----END \1-----/.exec(content)?.[0]
  if (key === undefined) throw new Error('no PEM key in it')
  return key
}

const encrypted = 'encrypted: give its password as sslpassword in the connection string'

const reasons: Readonly<Record<string, string>> = {
  ERR_MISSING_PASSPHRASE: encrypted,
  // Of Node, whose OpenSSL has nobody to ask for it.
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: encrypted,
  ERR_OSSL_BAD_DECRYPT: 'its password is wrong: correct sslpassword',
}

async function fromFile<T>(what: string, path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    const { code, message } = cause as Error & { code?: string }
    const reason = (code !== undefined && reasons[code]) || code || message
    throw new ConnectError(
      `The ${what} could not be read from ${path} (${reason}). Correct sslCert, sslKey or the file.`,
      {
        cause,
        driverCode: 'CLIENT_CERT_FILE',
        retryable: false,
      },
    )
  }
}
