import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { freePort } from '../server/port.ts'

/**
 * A free port to be listened on later, and again after a pause: one that the system gives nobody by itself, neither a
 * listener that asks for any nor a connection that goes out, as it does one that was free a moment ago.
 */
export async function lastingPort(): Promise<number> {
  const end = firstGivenPort()
  for (;;) {
    const port = await freePort(randomInt(Math.ceil(end / 2), end))
    if (port !== null) return port
  }
}

/** Where the ports begin that the system gives. */
function firstGivenPort(): number {
  try {
    const first = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
    // A range that begins low leaves little below it that is nobody's.
    if (first >= 16_384) return first
  } catch {
    // Not Linux: the range that IANA names is given there.
  }
  return 32_768
}
