import { createHash, randomBytes } from 'node:crypto'

/** A new bearer token of 256 random bits; shown to its owner once. */
export function createToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What the database keeps of a token. A plain hash will do: 256 random bits cannot be guessed. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
