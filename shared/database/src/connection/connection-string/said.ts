import type { PoolOptions } from '@shared/pool'
import type { ConnectionOptions } from '../../options.ts'
import type { HostLists } from './hosts.ts'

/** What only a connection string says of TLS. */
export interface TlsDetails {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Whether the server is told which host is meant (SNI). Default true. */
  readonly namesServer?: boolean
  /** Whether the client's certificate is sent. Default true. */
  readonly sendsCertificate?: boolean
  /** What the key of the client's certificate is encrypted with. */
  readonly keyPassword?: string
}

/** What a connection string says, decoded; a piece it leaves out is `undefined`. */
export interface ConnectionStringParts extends HostLists {
  readonly user?: string
  readonly password?: string
  readonly database?: string
  /** Options that it sets: they win over the same option given otherwise. */
  readonly connection: Readonly<Partial<ConnectionOptions>>
  readonly pool: Readonly<Partial<PoolOptions>>
  /** Settings of the server, to be sent at login. */
  readonly settings: Readonly<Record<string, string>>
  readonly tls: TlsDetails
  /** Ways to log in that are allowed, as require_auth of libpq has them. */
  readonly requireAuth?: string
  /** What is of no effect here, and why: to be recorded once. Names no value. */
  readonly notes: readonly string[]
  /** All that it says beside hosts, user, password and database, to write it again. */
  readonly parameters: Readonly<Record<string, string>>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What a connection string has said so far, for the rows of the table of keywords to add to. */
export interface Said extends Mutable<Omit<ConnectionStringParts, 'parameters' | 'notes'>> {
  connection: Partial<ConnectionOptions>
  pool: Partial<PoolOptions>
  settings: Record<string, string>
  tls: Mutable<TlsDetails>
  readonly notes: string[]
  /** Whether the string has a keyword, wherever it stands. */
  readonly has: (keyword: string) => boolean
}
