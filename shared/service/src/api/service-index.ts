import type { ServiceApp } from '../app.ts'

/** What `GET /` answers: who this is and what can be asked here. */
export interface ServiceIndex {
  service: string
  version: string
  links: { self: string; live: string; ready: string; health: string; openapi: string; docs: string }
  routes: { method: string; path: string }[]
}

/** Lists the routes of an app, each method and path once, middleware left out. */
export function serviceIndex(app: ServiceApp, service: string, version: string): ServiceIndex {
  const routes = new Map(
    app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => [`${method} ${path}`, { method, path }]),
  )
  return {
    service,
    version,
    links: {
      self: '/',
      live: '/livez',
      ready: '/readyz',
      health: '/health',
      openapi: '/openapi.json',
      docs: '/docs',
    },
    routes: [...routes.values()],
  }
}
