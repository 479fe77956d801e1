import type * as schema from '@schema/cart'
import type { Database } from '@shared/database'

/** This service's own database. */
export type CartDatabase = Database<typeof schema>
