import { createServiceApp, type ServiceApp, type ServiceContext } from '@shared/service'
import { version } from '../package.json'
import type { AuthDatabase } from './database.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { userRoutes } from './routes/users.ts'
import { signInLimits } from './sign-in-limits.ts'

/** What the app needs beside what every service does. */
export interface AuthContext extends ServiceContext<AuthDatabase> {
  /** Proxies before the service whose `X-Forwarded-For` is believed. Default 0. */
  trustedProxies?: number
}

/** Creates the auth service's app; does no I/O. */
export function createApp({ trustedProxies = 0, ...context }: AuthContext): ServiceApp {
  const app = createServiceApp({ service: 'auth', version, ...context })
  app.route('/users', userRoutes(context.database))
  app.route('/sessions', sessionRoutes(context.database, signInLimits({ trustedProxies })))
  return app
}
