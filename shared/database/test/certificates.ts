import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

/** A key and its certificate, both PEM. */
export interface Certified {
  readonly certificate: string
  readonly key: string
}

/** Who signs certificates. */
export interface Authority {
  readonly certificate: string
  /** A server's certificate for these names and addresses, or one that has expired. */
  issue(names: readonly string[], options?: { hasExpired?: boolean }): Certified
}

const dayMs = 86_400_000
let serial = 0

/** Makes a certificate authority; what it signs is good for a day. */
export function createAuthority(name: string): Authority {
  const own = keyPair()
  // All of its servers may have the same key: what is tested is who signed it for whom, and making keys takes long.
  const servers = keyPair()
  const subject = [{ name: 'commonName', value: name }]
  const sign = (
    publicKey: string,
    of: forge.pki.CertificateField[],
    extensions: object[],
    from: number,
    to: number,
  ): string => {
    const certificate = forge.pki.createCertificate()
    certificate.serialNumber = `0${++serial}`
    certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
    certificate.validity.notBefore = new Date(from)
    certificate.validity.notAfter = new Date(to)
    certificate.setSubject(of)
    certificate.setIssuer(subject)
    certificate.setExtensions(extensions)
    certificate.sign(forge.pki.privateKeyFromPem(own.privateKey), forge.md.sha256.create())
    return forge.pki.certificateToPem(certificate)
  }
  const now = Date.now()
  return {
    certificate: sign(
      own.publicKey,
      subject,
      [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, critical: true },
      ],
      now - 2 * dayMs,
      now + dayMs,
    ),
    issue(names, { hasExpired = false } = {}) {
      const altNames = names.map((value) =>
        /^[\d.]+$/.test(value) ? { type: 7, ip: value } : { type: 2, value },
      )
      return {
        certificate: sign(
          servers.publicKey,
          [{ name: 'commonName', value: names[0] ?? 'server' }],
          [
            { name: 'subjectAltName', altNames },
            { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          ],
          now - 2 * dayMs,
          hasExpired ? now - dayMs : now + dayMs,
        ),
        key: servers.privateKey,
      }
    },
  }
}

function keyPair() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}
