import { readAddresses, readHosts, readPorts } from './hosts.ts'
import {
  honoured,
  ignored,
  type KeywordTable,
  number,
  only,
  option,
  readSslMode,
  refused,
  secondsOrNever,
  truth,
} from './keyword.ts'
import { isRequireAuth, loginMethods } from './require-auth.ts'

const applicationName = option('connection', 'applicationName')
const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const
const oldVersions = ['TLSv1', 'TLSv1.1']
const kerberos = 'Kerberos is not spoken'
const socketOption =
  'Bun does not set this option of a socket: `connection.stallAfterMs` finds a dead connection'
const revoked =
  'lists of revoked certificates are not read: let the authority issue certificates of a short life'
const oauth = 'OAuth is not spoken: give a password, or a client certificate'

/**
 * Every keyword of libpq, in the order of its documentation.
 *
 * @see PostgreSQL 18, "Parameter Key Words"
 */
export const libpqKeywords: KeywordTable = {
  host: honoured(
    'one host or several: names, IP addresses, folders of Unix sockets (`/run/postgresql`, `@abstract`). A string without a host is refused: libpq would take a socket or localhost, whatever it was built with',
    (value, said) => {
      const read = readHosts(value)
      if (typeof read === 'string') return read
      Object.assign(said, read)
    },
  ),
  hostaddr: honoured(
    'IP addresses to connect to, in place of looking `host` up; TLS verifies `host`',
    (value, said) => {
      const read = readAddresses(value)
      if (typeof read === 'string') return read
      said.addresses = read
    },
  ),
  port: honoured('one port for all hosts, or one for each. Default: 5432', (value, said) => {
    const read = readPorts(value)
    if (typeof read === 'string') return read
    said.ports = read
  }),
  dbname: honoured('the database; never filled in from the user', (value, said) => {
    said.database = value
    return undefined
  }),
  user: honoured('the role; never filled in from the operating system', (value, said) => {
    said.user = value
    return undefined
  }),
  password: honoured('its password; `passwordFile` wins over it', (value, said) => {
    said.password = value
    return undefined
  }),
  passfile: option('connection', 'passFile'),
  require_auth: honoured(
    'the ways to log in that are allowed (`scram-sha-256,none`), or not (`!password`)',
    (value, said) => {
      if (!isRequireAuth(value))
        return `must have in require_auth ${loginMethods.join(', ')}: some of them, or ! before each`
      said.requireAuth = value
    },
  ),
  channel_binding: option('connection', 'channelBinding'),
  connect_timeout: option(
    'connection',
    'connectTimeoutMs',
    secondsOrNever,
    'the option `connection.connectTimeoutMs`, in seconds; 0 or less: no limit',
  ),
  client_encoding: only(['utf8', 'utf-8', 'auto'], 'always UTF8; any other is refused'),
  options: option('connection', 'options'),
  application_name: applicationName,
  fallback_application_name: honoured(
    'the option `connection.applicationName`, where `application_name` is not in the string',
    (value, said, keyword) => {
      if (!said.has('application_name')) return applicationName.read(value, said, keyword)
    },
  ),
  keepalives: honoured('0: the option `connection.keepAliveMs` is 0; else as it is', (value, said) => {
    if (truth(value) === undefined) return 'must have keepalives 1 or 0'
    if (truth(value) === false) said.connection.keepAliveMs = 0
  }),
  keepalives_idle: honoured(
    'the option `connection.keepAliveMs`, in seconds; 0 or less: as it is',
    (value, said) => {
      const seconds = number(value)
      if (Number.isNaN(seconds)) return 'must have keepalives_idle in seconds'
      if (seconds > 0) said.connection.keepAliveMs ??= secondsOrNever(value)
    },
  ),
  keepalives_interval: ignored(socketOption),
  keepalives_count: ignored(socketOption),
  tcp_user_timeout: ignored(socketOption),
  replication: refused('connections for replication are not offered'),
  gssencmode: only(['disable', 'prefer'], `${kerberos}: disable and prefer are the same, require is refused`),
  sslmode: honoured('the option `connection.sslMode`; allow is taken for prefer, aloud', readSslMode),
  requiressl: honoured('1: sslmode=require', (value, said) => {
    if (truth(value) && !said.has('sslmode')) said.connection.sslMode = 'require'
    return undefined
  }),
  sslnegotiation: option('connection', 'sslNegotiation'),
  sslcompression: ignored('TLS does not compress any more'),
  sslcert: option('connection', 'sslCert'),
  sslkey: option('connection', 'sslKey'),
  sslkeylogfile: refused('keys are written nowhere'),
  sslpassword: honoured('what the file of `sslkey` is encrypted with', (value, said) => {
    said.tls.keyPassword = value
    return undefined
  }),
  sslcertmode: honoured(
    'disable: no client certificate is sent; require is refused, as Bun does not tell whether the server asked for one',
    (value, said) => {
      if (value === 'disable') said.tls.sendsCertificate = false
      else if (value !== 'allow') return 'must have sslcertmode allow or disable'
    },
  ),
  sslrootcert: option(
    'connection',
    'sslRootCert',
    undefined,
    'the option `connection.sslRootCert`; with sslmode=require it makes verify-ca, as in libpq, and `system` means the authorities of the system and verify-full',
  ),
  sslcrl: refused(revoked),
  sslcrldir: refused(revoked),
  sslsni: honoured('0: the server is not told which host is meant', (value, said) => {
    if (truth(value) === undefined) return 'must have sslsni 1 or 0'
    said.tls.namesServer = truth(value)
  }),
  requirepeer: refused(
    'Bun does not tell who is at the other end of a Unix socket: protect the folder of the socket',
  ),
  ssl_min_protocol_version: honoured(
    'the oldest version of TLS: TLSv1.3, or TLSv1.2, which is the oldest in any case',
    (value, said) => {
      said.tls.minVersion = tlsVersions.find((version) => version === value)
      if (!said.tls.minVersion && !oldVersions.includes(value))
        return 'must have ssl_min_protocol_version TLSv1.2 or TLSv1.3'
    },
  ),
  ssl_max_protocol_version: honoured('the newest version of TLS: TLSv1.2 or TLSv1.3', (value, said) => {
    said.tls.maxVersion = tlsVersions.find((version) => version === value)
    if (!said.tls.maxVersion) return 'must have ssl_max_protocol_version TLSv1.2 or TLSv1.3'
  }),
  min_protocol_version: only(['3.0'], 'always 3.0, which every server speaks; a newer minimum is refused'),
  max_protocol_version: only(['3.0', '3.2', 'latest'], 'always 3.0, which every server speaks'),
  krbsrvname: ignored(kerberos),
  gsslib: ignored(kerberos),
  gssdelegation: ignored(kerberos),
  scram_client_key: refused('give the password'),
  scram_server_key: refused('give the password'),
  service: refused('service files are not read: write into the string what the file says'),
  servicefile: refused('service files are not read: write into the string what the file says'),
  target_session_attrs: option('connection', 'targetSessionAttrs'),
  load_balance_hosts: option('connection', 'loadBalanceHosts'),
  oauth_issuer: refused(oauth),
  oauth_client_id: refused(oauth),
  oauth_client_secret: refused(oauth),
  oauth_scope: refused(oauth),
  oauth_ca_file: refused(oauth),
}
