import type * as schema from '@schema/auth'
import type { Database } from '@shared/database'

/** This service's own database. */
export type AuthDatabase = Database<typeof schema>
