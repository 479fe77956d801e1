import type * as schema from '@schema/auth'
import type { Database } from '@shared/database'
import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import { sessionRoutes } from './routes/sessions.ts'
import { userRoutes } from './routes/users.ts'

/** The Drizzle handle of this service's own database. */
export type AuthDb = Database<typeof schema>['db']

/** Creates the auth service's app; does no I/O. */
export function createApp(context: ServiceContext<Database<typeof schema>>): ServiceApp {
  const { db } = context.database
  const app = createServiceApp({ service: 'auth', version, ...context })
  app.route('/users', userRoutes(db))
  app.route('/sessions', sessionRoutes(db))
  return app
}
