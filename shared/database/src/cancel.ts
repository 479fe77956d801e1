import { connect as connectSocket } from 'node:net'
import { bounded } from './bounded.ts'
import type { Target } from './target.ts'

const cancelMs = 500

/** Asks the server to cancel what a backend runs; settles when it has taken the request, or after half a second. */
export async function cancelBackend(target: Target, backend: { pid: number; secret: number }): Promise<void> {
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80877102, 4)
  request.writeUInt32BE(backend.pid, 8)
  request.writeUInt32BE(backend.secret, 12)
  const socket = connectSocket({ host: target.host, port: target.port })
  const done = new Promise<void>((resolve) => {
    socket.once('connect', () => socket.end(request))
    socket.once('error', () => resolve())
    socket.once('close', () => resolve())
    // Without a reader the socket never sees the server's end.
    socket.resume()
  })
  await bounded(done, cancelMs).catch(() => {})
  socket.destroy()
}
