import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

const iterations = 4096

/**
 * The verifier PostgreSQL stores for a password (RFC 5802, SCRAM-SHA-256).
 *
 * Sent in place of the password, it keeps the password itself out of the server's log and of pg_stat_activity.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), rounds = iterations): string {
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const hmac = (label: string): Buffer => createHmac('sha256', salted).update(label).digest()
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`
}

/** Whether a stored verifier is of this password; false also for md5 and other forms. */
export function matchesVerifier(password: string, verifier: string | null): boolean {
  const parts = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier ?? '')
  if (verifier === null || parts === null) return false
  const again = scramVerifier(password, Buffer.from(parts[2] ?? '', 'base64'), Number(parts[1]))
  return again.length === verifier.length && timingSafeEqual(Buffer.from(again), Buffer.from(verifier))
}
