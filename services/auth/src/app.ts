import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import type { AuthDatabase } from './database.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { userRoutes } from './routes/users.ts'

/** Creates the auth service's app; does no I/O. */
export function createApp(context: ServiceContext<AuthDatabase>): ServiceApp {
  const { db } = context.database
  const app = createServiceApp({ service: 'auth', version, ...context })
  app.route('/users', userRoutes(db))
  app.route('/sessions', sessionRoutes(db))
  return app
}
