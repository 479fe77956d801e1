import type { ConnectionOptions } from './options.ts'
import type { Target } from './target.ts'

/** What postgres.js takes as `ssl`. The CA file is read at each call, so that a renewed one needs no restart. */
export type DriverTls = false | 'prefer' | 'require' | Record<string, unknown>

/**
 * The TLS settings for one connection, with libpq's meaning of sslmode: require encrypts, verify-ca checks who signed
 * the certificate, verify-full also whom it names.
 *
 * @throws the file system's error when the CA file can't be read.
 */
export async function tlsOptions(target: Target, options: ConnectionOptions): Promise<DriverTls> {
  const mode = target.sslMode ?? options.sslMode
  if (mode === 'disable') return false
  if (mode === 'prefer' || mode === 'require') return mode
  const ca = options.sslRootCert ? { ca: await Bun.file(options.sslRootCert).text() } : {}
  // The driver can't tell the name from a socket that it did not open, so it is given here.
  if (mode === 'verify-full') return { ...ca, rejectUnauthorized: true, servername: target.host }
  return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined }
}
