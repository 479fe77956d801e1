import {
  createServiceApp,
  describeSession,
  requireSession,
  type ServiceApp,
  type ServiceContext,
  type SessionClient,
} from '@shared/service'
import { version } from '../package.json'
import type { CartDatabase } from './database.ts'
import type { ProductClient } from './product-client.ts'
import { cartRoutes } from './routes/carts.ts'
import { itemRoutes } from './routes/items.ts'

/** What the app needs beside what every service does. */
export interface CartContext extends ServiceContext<CartDatabase> {
  products: ProductClient
  /** Whom requests for carts ask for their session; null: nobody. */
  sessions: SessionClient | null
}

/** Creates the cart service's app; does no I/O. */
export function createApp({ products, sessions, ...context }: CartContext): ServiceApp {
  const guard = requireSession(sessions)
  const app = createServiceApp({ service: 'cart', version, ...context })
  describeSession(app, sessions)
  app.route('/carts', cartRoutes(context.database, guard))
  app.route('/carts', itemRoutes(context.database, products, guard))
  return app
}
