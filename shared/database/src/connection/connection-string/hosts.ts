import { isIP } from 'node:net'
import { type Host, type Hosts, isHost, isSocketName } from '../host.ts'

/** The lists that name hosts; an undefined port is one that is not said. */
export interface HostLists {
  readonly names?: readonly string[]
  /** IP addresses to connect to, in place of looking the names up. */
  readonly addresses?: readonly string[]
  readonly ports?: readonly (number | undefined)[]
}

const defaultPort = 5432

/**
 * Joins lists of names, addresses and ports to hosts, as libpq does: addresses belong to names one by one, and one port
 * holds for all.
 *
 * @returns undefined where neither a name nor an address is given; else the hosts, or what is wrong, without a value.
 */
export function joinHosts({ names, addresses, ports = [undefined] }: HostLists): Hosts | string | undefined {
  const count = (names ?? addresses)?.length
  if (count === undefined) return undefined
  if (addresses && addresses.length !== count)
    return `must have as many addresses in hostaddr as hosts: ${count}, not ${addresses.length}`
  if (ports.length !== count && ports.length !== 1)
    return `must have one port for all hosts, or one for each: ${count}, not ${ports.length}`
  const hosts = Array.from({ length: count }, (_, index): Host => {
    const address = addresses?.[index] || undefined
    const name = names?.[index] || address || ''
    const port = ports[ports.length === 1 ? 0 : index] ?? defaultPort
    return { name, port, ...(address !== undefined && address !== name && { address }) }
  })
  const [first, ...more] = hosts
  return first && [first, ...more]
}

/** Reads a list of names, some perhaps with a port of their own (`a:5432`). @returns What is wrong, without a value. */
export function readHosts(text: string): Pick<HostLists, 'names' | 'ports'> | string {
  const pairs = text.split(',').map((item) => {
    const [, name = item, port] = (!isHost(item) && /^\[?(.*?)\]?:(\d+)$/.exec(item)) || []
    return { name, port }
  })
  const names = pairs.map(({ name }) => name)
  if (names.includes('')) return 'has an empty place in its list of hosts'
  if (!names.every(isHost)) return 'must name its host by name, IP address or the folder of a Unix socket'
  if (pairs.every(({ port }) => port === undefined)) return { names }
  const ports = readPorts(pairs.map(({ port }) => port ?? '').join(','))
  return typeof ports === 'string' ? ports : { names, ports }
}

/** Reads a list of IP addresses; an empty one means that the name is looked up. @returns What is wrong, without a value. */
export function readAddresses(text: string): readonly string[] | string {
  const addresses = text.split(',')
  return addresses.every((address) => address === '' || isIP(address) !== 0)
    ? addresses
    : 'must have IP addresses in hostaddr'
}

/** Reads a list of ports; an empty one is one that is not said. @returns What is wrong, without a value. */
export function readPorts(text: string): readonly (number | undefined)[] | string {
  const ports = text.split(',').map((port) => (port === '' ? undefined : Number(port)))
  const isPort = (port: number | undefined) => port === undefined || (port >= 1 && port <= 65_535)
  return /^[\d,]*$/.test(text) && ports.every(isPort) ? ports : 'must have a port from 1 to 65535'
}

/** The names of hosts as one list, for a connection string or a variable. */
export const hostList = (hosts: Hosts): string => hosts.map(({ name }) => name).join(',')

/** The ports of hosts as one list; one for all where they are the same. */
export function portList(hosts: Hosts): string {
  const ports = [...new Set(hosts.map(({ port }) => port))]
  return (ports.length === 1 ? ports : hosts.map(({ port }) => port)).join(',')
}

/** The hosts of a URI: each with its port, percent-encoded. */
export function uriHosts(hosts: Hosts): string {
  return hosts
    .map(({ name, port }) => {
      if (isSocketName(name)) return `${encodeURIComponent(name)}:${port}`
      return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
    })
    .join(',')
}
