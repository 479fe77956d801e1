import type { Context } from 'hono'
import { expandIPv6 } from 'hono/utils/ipaddr'
import { requestServer } from './request-server.ts'

/**
 * Where a request comes from, for limits: an IPv4 address, or the /64 network of an IPv6 one, as that is the least that one
 * customer gets. Empty where it is not known.
 *
 * @param trustedProxies How many proxies of one's own stand before the service, each of which adds the address that it sees at the end
 * of `X-Forwarded-For`. 0: the header is ignored, as any client may write it.
 */
export function clientAddress(c: Context, trustedProxies: number): string {
  const forwarded =
    trustedProxies > 0 ? c.req.header('X-Forwarded-For')?.split(',').at(-trustedProxies)?.trim() : ''
  return networkOf(forwarded || peerOf(c))
}

/** The other end of the connection. */
function peerOf({ env, req }: Context): string {
  return requestServer(env).requestIP?.(req.raw)?.address ?? ''
}

function networkOf(address: string): string {
  if (!/^[\da-f:.]{2,45}$/i.test(address)) return ''
  if (!address.includes(':')) return address
  // An IPv4 client of a socket that takes both.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  return expandIPv6(address.toLowerCase()).split(':').slice(0, 4).join(':')
}
