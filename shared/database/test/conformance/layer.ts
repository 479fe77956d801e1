import { createDatabase } from '@shared/database'
import type { GivenConnection } from '../../src/index.ts'
import type { Handle, HandleConfig } from './case.ts'
import { connections, type Lender } from './sides.ts'
import { variant } from './variant.ts'

function open(url: string, connection: GivenConnection = {}, { settings, ...config }: HandleConfig = {}) {
  return createDatabase({
    name: 'conformance',
    url,
    ...variant.model,
    pool: { poolSize: connections, maxOverflow: 0, checkoutTimeoutMs: 15_000 },
    // Stock learns a type made meanwhile at its next connect, so the layer may not either.
    connection: { definitionsCheckMs: 600_000, ...connection, ...(settings && { settings }) },
    ...config,
  })
}

/** The layer's own handle. */
export function lendPool(url: string, config?: HandleConfig, connection?: GivenConnection): Lender {
  const database = open(url, connection, config)
  return {
    lend: (use) => use(database.db as unknown as Handle),
    close: () => database.close({ timeoutMs: 1_000 }),
  }
}

/** All work of a case on one connection of `use()`. */
export function lendLease(url: string, config?: HandleConfig): Lender {
  const database = open(url, {}, config)
  return {
    lend: (use) => database.use(({ db }) => use(db as unknown as Handle)),
    close: () => database.close({ timeoutMs: 1_000 }),
  }
}
