import type { ConnectionOptions } from '../../options.ts'
import type { Target } from '../target.ts'

/** What a session begins with: who it is, where, and settings. None of them is given twice: see `withSettings`. */
export function startupParameters(
  { user, database, settings }: Target,
  { applicationName, statementTimeoutMs, planCacheMode, options }: ConnectionOptions,
): Readonly<Record<string, string>> {
  return {
    user,
    database,
    client_encoding: 'UTF8',
    ...(applicationName && { application_name: applicationName }),
    ...(statementTimeoutMs > 0 && { statement_timeout: String(statementTimeoutMs) }),
    // A pooler refuses startup parameters that it does not know: the default sends none.
    ...(planCacheMode !== 'auto' && { plan_cache_mode: planCacheMode }),
    ...(options && { options }),
    ...settings,
  }
}
