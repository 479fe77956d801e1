import type { SslMode } from '../../options.ts'
import type { Hosts } from '../host.ts'
import { uriHosts } from './hosts.ts'

/** Everything needed to reach one database as one role. */
export interface DatabaseTarget {
  readonly hosts: Hosts
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sslMode: SslMode
  /** What else a connection string said of it. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Said by `sslMode`. */
const ofSslMode = ['sslmode', 'ssl', 'sslaccept', 'requiressl']

/** Writes a target as a URL that leaves nothing to a driver's defaults or `PG*` variables. */
export function formatDatabaseUrl(target: DatabaseTarget): string {
  const { hosts, user, password, database, sslMode } = target
  const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  const addresses = hosts.map(({ address = '' }) => address)
  const parameters = [
    ['sslmode', sslMode],
    ...(addresses.some((address) => address !== '') ? [['hostaddr', addresses.join(',')]] : []),
    ...Object.entries(target.parameters).filter(([name]) => !ofSslMode.includes(name)),
  ]
  const query = parameters.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
  return `postgresql://${credentials}@${uriHosts(hosts)}/${encodeURIComponent(database)}?${query}`
}
