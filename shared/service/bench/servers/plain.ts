import { Hono } from 'hono'

/** The least there is: what Bun and Hono give at most. It has `/readyz`, so that starts can be compared. */
export const createPlainApp = () =>
  new Hono().get('/plain', (c) => c.text('ok')).get('/readyz', (c) => c.text('ok'))

if (import.meta.main) {
  Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), fetch: createPlainApp().fetch })
}
