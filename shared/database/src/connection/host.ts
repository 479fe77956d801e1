import { isIPv6 } from 'node:net'

/** One place where a server of a database may be. */
export interface Host {
  /** A name, an IP address, or where the Unix socket is: its folder, or `@` and an abstract one's name. */
  readonly name: string
  readonly port: number
  /** The IP address to connect to where `name` is not looked up; the certificate must name `name` all the same. */
  readonly address?: string
}

/** One or more: servers of one cluster. */
export type Hosts = readonly [Host, ...Host[]]

/** A host as errors, events and metrics name it; no other has the same name. */
export function hostName({ name, port, address }: Host): string {
  if (isSocketName(name)) return `${name}/.s.PGSQL.${port}`
  const at = address === undefined ? '' : `(${address})`
  return name.includes(':') ? `[${name}]${at}:${port}` : `${name}${at}:${port}`
}

/** Whether a host's name stands for a Unix socket. */
export const isSocketName = (name: string): boolean => name.startsWith('/') || name.startsWith('@')

/** Whether a connection can be opened to this name; IPv6 without its brackets. */
export function isHost(value: string): boolean {
  if (isSocketName(value)) return value.length > 1 && isPlainText(value)
  if (value.includes(':')) return isIPv6(value) && !value.includes('%')
  return value.length <= 253 && /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?$/i.test(value)
}

/** Whether text has no control character and can be encoded as UTF-8. */
export function isPlainText(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  return value.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(value)
}
