import type * as schema from '@schema/cart'
import type { Database } from '@shared/database'
import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import { cartRoutes } from './routes/carts.ts'
import { itemRoutes } from './routes/items.ts'

/** The Drizzle handle of this service's own database. */
export type CartDb = Database<typeof schema>['db']

/** Creates the cart service's app; does no I/O. */
export function createApp(context: ServiceContext<Database<typeof schema>>): ServiceApp {
  const { db } = context.database
  const app = createServiceApp({ service: 'cart', version, ...context })
  app.route('/carts', cartRoutes(db))
  app.route('/carts', itemRoutes(db))
  return app
}
