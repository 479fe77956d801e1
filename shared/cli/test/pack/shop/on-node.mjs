// Node in place of Bun: the one call that the example makes of it.
import { serve } from '@hono/node-server'

globalThis.Bun = {
  serve(options) {
    const server = serve(options)
    return {
      port: server.address().port,
      stop: () => new Promise((resolve) => server.close(() => resolve())),
    }
  },
}
