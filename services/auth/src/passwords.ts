import { availableParallelism } from 'node:os'
import { Problem } from '@shared/service'
import pLimit from 'p-limit'

// OWASP's argon2id parameters: 19 MiB, two passes.
const parameters = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const

// Bun hashes on threads beside the event loop; more of them at a time than there are processors only take turns, and memory.
const atOnce = pLimit(availableParallelism())

/** Passwords that may wait for a thread, some seconds' worth. */
const mostWaiting = 500

/**
 * Hashes a password with argon2id and a salt of its own.
 *
 * @throws {Problem} 503 `password-check-busy`: too many others are waiting.
 */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => Bun.password.hash(password, parameters))
}

/**
 * Creates a function that checks a password; without a hash (nobody by that name) it is false and takes as long.
 *
 * The function throws as {@link hashPassword} does.
 */
export function createPasswordCheck() {
  let dummy: Promise<string> | undefined
  return async (password: string, hash: string | undefined): Promise<boolean> => {
    dummy ??= Bun.password.hash(crypto.randomUUID(), parameters)
    const standIn = await dummy
    const matches = await inTurn(() => Bun.password.verify(password, hash ?? standIn))
    return matches && hash !== undefined
  }
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (atOnce.pendingCount >= mostWaiting) throw busy()
  return atOnce(work)
}

function busy(): Problem {
  const detail = 'Too many passwords are being checked. Try again shortly.'
  return new Problem({ status: 503, code: 'password-check-busy', detail, headers: { 'Retry-After': '5' } })
}
