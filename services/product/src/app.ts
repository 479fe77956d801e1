import {
  createServiceApp,
  describeSession,
  requireSession,
  type ServiceApp,
  type ServiceContext,
  type SessionClient,
} from '@shared/service'
import { version } from '../package.json'
import type { ProductDatabase } from './database.ts'
import { productRoutes } from './routes/products.ts'
import { stockRoutes } from './routes/stock.ts'

/** What the app needs beside what every service does. */
export interface ProductContext extends ServiceContext<ProductDatabase> {
  /** Whom what changes something asks for its session; null: nobody. */
  sessions: SessionClient | null
}

/** Creates the product service's app; does no I/O. */
export function createApp({ sessions, ...context }: ProductContext): ServiceApp {
  const guard = requireSession(sessions)
  const app = createServiceApp({ service: 'product', version, ...context })
  describeSession(app, sessions)
  app.route('/products', productRoutes(context.database, guard))
  app.route('/products', stockRoutes(context.database, guard))
  return app
}
