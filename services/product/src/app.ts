import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import type { ProductDatabase } from './database.ts'
import { productRoutes } from './routes/products.ts'
import { stockRoutes } from './routes/stock.ts'

/** Creates the product service's app; does no I/O. */
export function createApp(context: ServiceContext<ProductDatabase>): ServiceApp {
  const { db } = context.database
  const app = createServiceApp({ service: 'product', version, ...context })
  app.route('/products', productRoutes(db))
  app.route('/products', stockRoutes(db))
  return app
}
