import type { Context } from 'hono'
import { routePath } from 'hono/route'

const knownMethods: ReadonlySet<string> = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '),
)

/** The method of a request, of which there are few: `_OTHER` for one that HTTP does not know. */
export function methodOf({ req }: Context): string {
  return knownMethods.has(req.method) ? req.method : '_OTHER'
}

/** The pattern of the route that answered, `/products/:id`; null where none matched. To be asked after that. */
export function routeOf(c: Context): string | null {
  const route = routePath(c, -1)
  // The pattern of all middleware: nothing else matched.
  return route === '/*' ? null : route
}
