import type { SQL } from 'drizzle-orm'
import { readSettings, type Settings, settingsQuery } from './settings.ts'

/** What a session needs of a transaction. */
interface SettingsScope {
  execute(query: SQL): PromiseLike<unknown>
}

/**
 * Makes of a transaction's callback one that has the settings: they go with its BEGIN, before anything of `fn` runs.
 *
 * @throws {ConfigurationError} for settings that can't be sent, before there is a transaction.
 */
export function withSettings<TX extends SettingsScope, T>(
  settings: Settings,
  fn: (tx: TX) => Promise<T>,
): (tx: TX) => Promise<T> {
  const query = settingsQuery(readSettings(settings))
  return async (tx) => {
    try {
      await tx.execute(query)
    } catch (error) {
      throw withoutValues(error)
    }
    return await fn(tx)
  }
}

/** Drizzle's error shows the parameters of its statement, and these may be secrets; its cause does not. */
function withoutValues(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}
