import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Listening, ServerOptions } from './listening.ts'

/** Opens a port with Node's server, as Bun's own behaves. @throws the socket's error, with a code. */
export async function open({
  fetch,
  hostname,
  port,
  idleSeconds,
  onError,
}: ServerOptions): Promise<Listening> {
  let pendingRequests = 0
  const answer = getRequestListener(
    (request, { incoming }) =>
      fetch(request, { requestIP: () => ({ address: incoming.socket.remoteAddress ?? '' }) }),
    { errorHandler: onError, overrideGlobalObjects: false },
  )
  const server = createServer({ keepAliveTimeout: idleSeconds * 1000 }, (request, response) => {
    pendingRequests++
    response.once('close', () => {
      pendingRequests--
    })
    void answer(request, response)
  })
  server.listen(port, hostname)
  await once(server, 'listening')
  const { port: opened } = server.address() as AddressInfo
  return {
    url: new URL(`http://${isIPv6(hostname) ? `[${hostname}]` : hostname}:${opened}/`),
    port: opened,
    get pendingRequests() {
      return pendingRequests
    },
    async stop(closeActiveConnections = false) {
      const closed = server.listening ? once(server, 'close') : null
      if (closed) server.close()
      if (closeActiveConnections) server.closeAllConnections()
      else server.closeIdleConnections()
      await closed
    },
  }
}
