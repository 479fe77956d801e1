import { createHash } from 'node:crypto'

/** The hash of each algorithm of signatures that has one in its name, by the bytes of its object identifier (RFC 3279, 4055, 5758). */
const hashes: Readonly<Record<string, string>> = {
  // RSA with MD5, SHA-1, and then what the hash says.
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a864886f70d01010e': 'sha224',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  // DSA, the first with SHA-1.
  '2a8648ce380403': 'sha256',
  '608648016503040301': 'sha224',
  '608648016503040302': 'sha256',
  // ECDSA, the first with SHA-1.
  '2a8648ce3d0401': 'sha256',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

/**
 * What binds a login to the TLS connection that it is made over, tls-server-end-point: a hash of the server's certificate, with the
 * hash of its own signature, or SHA-256 where that is MD5 or SHA-1.
 *
 * @param certificate DER.
 * @returns null for a signature whose name has no hash in it (Ed25519, RSA-PSS).
 * @see RFC 5929, section 4.1
 */
export function serverEndPoint(certificate: Buffer): Buffer | null {
  const hash = hashes[signatureAlgorithm(certificate)]
  return hash === undefined ? null : createHash(hash).update(certificate).digest()
}

/** The object identifier of a certificate's signature, in hex. Read here, because Node has it from 24.9 on only. */
function signatureAlgorithm(certificate: Buffer): string {
  // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { algorithm OBJECT IDENTIFIER, … }, … }
  const signed = elementAt(certificate, elementAt(certificate, 0).start)
  const algorithm = elementAt(certificate, signed.end)
  const { start, end } = elementAt(certificate, algorithm.start)
  return certificate.toString('hex', start, end)
}

/** Where the content of an element of DER starts and ends. */
function elementAt(der: Buffer, offset: number): { start: number; end: number } {
  const first = der.readUInt8(offset + 1)
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  const start = offset + 2 + lengthBytes
  return { start, end: start + (lengthBytes === 0 ? first : der.readUIntBE(offset + 2, lengthBytes)) }
}
