import type * as schema from '@schema/product'
import type { Database } from '@shared/database'
import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import { productRoutes } from './routes/products.ts'
import { stockRoutes } from './routes/stock.ts'

/** The Drizzle handle of this service's own database. */
export type ProductDb = Database<typeof schema>['db']

/** Creates the product service's app; does no I/O. */
export function createApp(context: ServiceContext<Database<typeof schema>>): ServiceApp {
  const { db } = context.database
  const app = createServiceApp({ service: 'product', version, ...context })
  app.route('/products', productRoutes(db))
  app.route('/products', stockRoutes(db))
  return app
}
