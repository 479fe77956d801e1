import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import type { CartDatabase } from './database.ts'
import type { ProductClient } from './product-client.ts'
import { cartRoutes } from './routes/carts.ts'
import { itemRoutes } from './routes/items.ts'

/** What the app needs beside what every service does. */
export interface CartContext extends ServiceContext<CartDatabase> {
  products: ProductClient
}

/** Creates the cart service's app; does no I/O. */
export function createApp({ products, ...context }: CartContext): ServiceApp {
  const { db } = context.database
  const app = createServiceApp({ service: 'cart', version, ...context })
  app.route('/carts', cartRoutes(db))
  app.route('/carts', itemRoutes(db, products))
  return app
}
