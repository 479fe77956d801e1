import { bounded } from '@shared/pool'
import type { Wire } from './wire.ts'

const cancelMs = 500
// PgBouncer itself gives a request up after 10 s (its cancel_wait_timeout).
const lingerMs = 15_000

/**
 * Asks the server to cancel what a backend runs, over a connection of its own as the protocol has it.
 *
 * @returns true when the server has closed that connection, which it does after it has signalled the backend; false when
 *   it did not within half a second: then the signal may still come.
 */
export async function cancelBackend(wire: Wire, backend: { pid: number; secret: number }): Promise<boolean> {
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80877102, 4)
  request.writeUInt32BE(backend.pid, 8)
  request.writeUInt32BE(backend.secret, 12)
  const isDone = await bounded(send(wire, request), cancelMs).catch(() => false)
  if (wire.isOpen && !isDone) letEnd(wire)
  else wire.destroy()
  return isDone
}

/**
 * Leaves a connection to the server's own end, without waiting for it. A PgBouncer whose client hangs up while its request is
 * being forwarded ends with "bad client state: 0", for everybody (pgbouncer issue 801).
 */
function letEnd(wire: Wire): void {
  wire.unref()
  const timer = setTimeout(() => wire.destroy(), lingerMs)
  timer.unref()
  void wire.closed.then(() => clearTimeout(timer))
}

async function send(wire: Wire, request: Buffer): Promise<boolean> {
  try {
    await wire.opened
  } catch {
    // One that never connected can't signal anybody later.
    return true
  }
  // Not ended from here: the server's own end is the sign that it has done its work.
  wire.send(request)
  await wire.closed
  return !wire.failed
}
