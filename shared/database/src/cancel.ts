import { connect as connectSocket } from 'node:net'
import { bounded } from './bounded.ts'
import type { Target } from './target.ts'

const cancelMs = 500

/**
 * Asks the server to cancel what a backend runs, over a connection of its own as the protocol has it.
 *
 * @returns true when the server has closed that connection, which it does after it has signalled the backend; false when
 *   it did not within half a second: then the signal may still come.
 */
export async function cancelBackend(
  target: Target,
  backend: { pid: number; secret: number },
): Promise<boolean> {
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80877102, 4)
  request.writeUInt32BE(backend.pid, 8)
  request.writeUInt32BE(backend.secret, 12)
  const socket = connectSocket({ host: target.host, port: target.port })
  const done = new Promise<boolean>((resolve) => {
    let sent = false
    socket.once('connect', () => {
      sent = true
      // Not ended from here: the server's own end is the sign that it has done its work.
      socket.write(request)
    })
    // One that never connected can't signal anybody later.
    socket.once('error', () => resolve(!sent))
    socket.once('close', () => resolve(true))
    // Without a reader the socket never sees the server's end.
    socket.resume()
  })
  try {
    return await bounded(done, cancelMs)
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
