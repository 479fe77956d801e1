// OWASP's argon2id parameters: 19 MiB, two passes.
const parameters = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const

/** Hashes a password with argon2id and a salt of its own. */
export function hashPassword(password: string): Promise<string> {
  return Bun.password.hash(password, parameters)
}

/** Creates a function that checks a password; without a hash (nobody by that name) it is false and takes as long. */
export function createPasswordCheck() {
  let dummy: Promise<string> | undefined
  return async (password: string, hash: string | undefined): Promise<boolean> => {
    dummy ??= hashPassword(crypto.randomUUID())
    const standIn = await dummy
    const matches = await Bun.password.verify(password, hash ?? standIn)
    return matches && hash !== undefined
  }
}
