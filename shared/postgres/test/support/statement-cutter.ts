import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { withUrl } from '../../src/admin-connection.ts'

/** A TCP proxy that resets a client's connections at its n-th statement that changes something. */
export interface StatementCutter extends AsyncDisposable {
  /** The first words of each such statement so far. */
  readonly seen: readonly string[]
  /** A URL of the server, led through the proxy. */
  url(urlOfServer: string): string
}

const changing = /(BEGIN|COMMIT|CREATE|ALTER|GRANT|REVOKE|COMMENT|SELECT pg_terminate)[^;\0]*/

/**
 * Starts it in front of a server.
 *
 * @param cut.at Counted from 1 over all connections; 0: never.
 * @param cut.answer Whether the server gets the statement, and only its answer is lost.
 */
export async function startStatementCutter(
  target: { host: string; port: number },
  cut: { at: number; answer: boolean },
): Promise<StatementCutter> {
  const seen: string[] = []
  const sockets = new Set<Socket>()
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ host: target.host, port: target.port, noDelay: true })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    server.on('data', (bytes) => client.write(bytes))
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1')
      const statement = text.startsWith('Q') ? changing.exec(text)?.[0] : undefined
      if (statement !== undefined && text.indexOf(statement) === 5) seen.push(statement)
      if (statement === undefined || seen.length !== cut.at) return void server.write(bytes)
      if (!cut.answer) return cutAll()
      // Half-closed towards the server, which thus gets the statement; its answer goes nowhere.
      server.removeAllListeners('data')
      server.once('data', cutAll)
      server.write(bytes)
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  return {
    seen,
    url(urlOfServer) {
      const url = new URL(withUrl(urlOfServer, {}))
      url.port = String(port)
      return url.href
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => proxy.close(resolve))
      cutAll()
      await closed
    },
  }
}
