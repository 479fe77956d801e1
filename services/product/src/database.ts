import type * as schema from '@schema/product'
import type { Database } from '@shared/database'

/** This service's own database. */
export type ProductDatabase = Database<typeof schema>
