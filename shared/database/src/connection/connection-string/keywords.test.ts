import { describe, expect, test } from 'bun:test'
import { connectionStringKeywords, parseConnectionString } from './parse.ts'

type Outcome = 'ignored' | 'refused' | object

const never = 2_147_483_647
const forever = Number.POSITIVE_INFINITY

/** For each keyword values, and what a string with it says beside its user; 'refused' where that is a problem. */
const examples: Record<keyof typeof connectionStringKeywords, Record<string, Record<string, Outcome>>> = {
  libpq: {
    host: { 'a,b': { names: ['a', 'b'] }, 'a b': 'refused' },
    hostaddr: { '10.0.0.1': { addresses: ['10.0.0.1'] }, name: 'refused' },
    port: { '1': { ports: [1] }, '70000': 'refused' },
    dbname: { d: { database: 'd' } },
    user: { u: {} },
    password: { p: { password: 'p' } },
    passfile: { '/p': { connection: { passFile: '/p' } } },
    require_auth: {
      'md5,none': { requireAuth: 'md5,none' },
      '!md5': { requireAuth: '!md5' },
      'md5,!none': 'refused',
      'md5,md5': 'refused',
      nonsense: 'refused',
    },
    channel_binding: { require: { connection: { channelBinding: 'require' } }, always: 'refused' },
    connect_timeout: {
      '5': { connection: { connectTimeoutMs: 5_000 } },
      '0': { connection: { connectTimeoutMs: never } },
      '-3': { connection: { connectTimeoutMs: never } },
      soon: 'refused',
    },
    client_encoding: { UTF8: {}, auto: {}, latin1: 'refused' },
    options: { '-c x=1': { connection: { options: '-c x=1' } } },
    application_name: { a: { connection: { applicationName: 'a' } }, [`${'a'.repeat(64)}`]: 'refused' },
    fallback_application_name: { a: { connection: { applicationName: 'a' } } },
    keepalives: { '0': { connection: { keepAliveMs: 0 } }, '1': {}, perhaps: 'refused' },
    keepalives_idle: { '9': { connection: { keepAliveMs: 9_000 } }, '0': {}, long: 'refused' },
    keepalives_interval: { '1': 'ignored' },
    keepalives_count: { '1': 'ignored' },
    tcp_user_timeout: { '1': 'ignored' },
    replication: { database: 'refused' },
    gssencmode: { disable: {}, prefer: {}, require: 'refused' },
    sslmode: {
      'verify-full': { connection: { sslMode: 'verify-full' } },
      allow: { connection: { sslMode: 'prefer' }, notes: 1 },
      verify: 'refused',
    },
    requiressl: { '1': { connection: { sslMode: 'require' } }, '0': {} },
    sslnegotiation: { direct: { connection: { sslNegotiation: 'direct' } }, none: 'refused' },
    sslcompression: { '0': 'ignored', '1': 'ignored' },
    sslcert: { '/c': { connection: { sslCert: '/c' } } },
    sslkey: { '/k': { connection: { sslKey: '/k' } } },
    sslkeylogfile: { '/l': 'refused' },
    sslpassword: { p: { tls: { keyPassword: 'p' } } },
    sslcertmode: { allow: {}, disable: { tls: { sendsCertificate: false } }, require: 'refused' },
    sslrootcert: {
      '/r': { connection: { sslRootCert: '/r' } },
      system: { connection: { sslRootCert: 'system', sslMode: 'verify-full' } },
    },
    sslcrl: { '/l': 'refused' },
    sslcrldir: { '/l': 'refused' },
    sslsni: { '0': { tls: { namesServer: false } }, '1': { tls: { namesServer: true } }, some: 'refused' },
    requirepeer: { postgres: 'refused' },
    ssl_min_protocol_version: {
      'TLSv1.3': { tls: { minVersion: 'TLSv1.3' } },
      'TLSv1.1': {},
      SSLv3: 'refused',
    },
    ssl_max_protocol_version: { 'TLSv1.2': { tls: { maxVersion: 'TLSv1.2' } }, 'TLSv1.1': 'refused' },
    min_protocol_version: { '3.0': {}, '3.2': 'refused' },
    max_protocol_version: { latest: {}, '2.0': 'refused' },
    krbsrvname: { postgres: 'ignored' },
    gsslib: { gssapi: 'ignored' },
    gssdelegation: { '0': 'ignored' },
    scram_client_key: { k: 'refused' },
    scram_server_key: { k: 'refused' },
    service: { s: 'refused' },
    servicefile: { '/s': 'refused' },
    target_session_attrs: {
      'prefer-standby': { connection: { targetSessionAttrs: 'prefer-standby' } },
      master: 'refused',
    },
    load_balance_hosts: { random: { connection: { loadBalanceHosts: 'random' } }, always: 'refused' },
    oauth_issuer: { i: 'refused' },
    oauth_client_id: { i: 'refused' },
    oauth_client_secret: { s: 'refused' },
    oauth_scope: { s: 'refused' },
    oauth_ca_file: { '/c': 'refused' },
  },
  other: {
    database: { d: { database: 'd' } },
    username: { u: {} },
    ssl: {
      true: { connection: { sslMode: 'require' } },
      false: { connection: { sslMode: 'disable' } },
      'no-verify': { connection: { sslMode: 'require' } },
      perhaps: 'refused',
    },
    sslaccept: {
      strict: { connection: { sslMode: 'verify-full' } },
      accept_invalid_certs: {},
      all: 'refused',
    },
    sslidentity: { '/p12': 'refused' },
    uselibpqcompat: { true: 'ignored' },
    schema: { s: { settings: { search_path: '"s"' } } },
    currentSchema: { 's"': { settings: { search_path: '"s"""' } } },
    statement_timeout: { '5s': { connection: { statementTimeoutMs: 5_000 } }, soon: 'refused' },
    connectTimeout: { '5': { connection: { connectTimeoutMs: 5_000 } } },
    loginTimeout: { '5': { connection: { connectTimeoutMs: 5_000 } } },
    ApplicationName: { a: { connection: { applicationName: 'a' } } },
    tcpKeepAlive: { true: 'ignored' },
    prepare: { false: { connection: { prepare: false } }, perhaps: 'refused' },
    prepared_statements: { true: { connection: { prepare: true } } },
    statement_cache_size: { '0': { connection: { maxPreparedStatements: 0 } } },
    prepared_statement_cache_size: { '9': { connection: { maxPreparedStatements: 9 } } },
    statement_limit: { '9': { connection: { maxPreparedStatements: 9 } }, '-1': 'refused' },
    pgbouncer: { true: 'ignored' },
    connection_limit: { '5': { pool: { poolSize: 5, maxOverflow: 0 } }, '0': 'refused' },
    max: { '5': { pool: { poolSize: 5, maxOverflow: 0 } } },
    pool_max_conns: { '5': { pool: { poolSize: 5, maxOverflow: 0 } } },
    pool: { '5': { pool: { poolSize: 5, maxOverflow: 0 } } },
    pool_size: { '5': { pool: { poolSize: 5 } } },
    max_overflow: { '-1': { pool: { maxOverflow: -1 } }, '-2': 'refused' },
    pool_timeout: { '2.5': { pool: { checkoutTimeoutMs: 2_500 } } },
    pool_recycle: { '-1': { pool: { recycleMs: forever } }, '60': { pool: { recycleMs: 60_000 } } },
    max_lifetime: { '60': { pool: { recycleMs: 60_000 } } },
    idle_timeout: { '0': { pool: { idleTimeoutMs: forever } } },
    pool_pre_ping: { True: { pool: { prePing: true } } },
    pool_use_lifo: { true: 'ignored' },
    pool_min_conns: { '1': 'ignored' },
    pool_max_conn_lifetime: { '1h': 'ignored' },
    pool_max_conn_idle_time: { '1h': 'ignored' },
    conn_max_age: { '1': 'ignored' },
    checkout_timeout: { '1': 'ignored' },
    reaping_frequency: { '1': 'ignored' },
    socket_timeout: { '1': 'ignored' },
    socketTimeout: { '1': 'ignored' },
    command_timeout: { '1': 'ignored' },
    query_timeout: { '1': 'ignored' },
    encoding: { utf8: {}, unicode: {}, latin1: 'refused' },
    binaryTransfer: { true: 'ignored' },
    prepareThreshold: { '5': 'ignored' },
    reWriteBatchedInserts: { true: 'ignored' },
    default_query_exec_mode: { exec: 'ignored' },
    fetch_types: { false: 'ignored' },
    supa: { 'base-pooler.x': 'ignored' },
  },
}

/** What a string with this keyword says beside the host and the user that make it one. */
function outcomeOf(keyword: string, value: string): Outcome {
  const user = /^user(name)?$/.test(keyword) ? '' : 'user=u&'
  const result = parseConnectionString(`postgresql:///?${user}${keyword}=${encodeURIComponent(value)}`)
  if ('problems' in result) return 'refused'
  const { user: _, parameters: __, notes, ...said } = result.parts
  const filled = Object.entries(said).filter(
    ([, part]) =>
      typeof part !== 'object' || Array.isArray(part) || Object.keys(withoutUndefined(part)).length > 0,
  )
  const kept = Object.fromEntries(filled.map(([name, part]) => [name, withoutUndefined(part)]))
  if (notes.length > 0 && filled.length === 0) return notes[0]?.startsWith(`${keyword} (`) ? 'ignored' : notes
  return { ...kept, ...(notes.length > 0 && { notes: notes.length }) }
}

const withoutUndefined = <T>(part: T): T =>
  typeof part === 'object' && !Array.isArray(part)
    ? (JSON.parse(JSON.stringify(part), reviveForever) as T)
    : part

// JSON has no Infinity: it writes null.
const reviveForever = (_: string, value: unknown) => (value === null ? forever : value)

describe.each(Object.entries(examples))('of the keywords (%s)', (whose, rows) => {
  test('every one that has a row has examples, and no other', () => {
    const table = connectionStringKeywords[whose as keyof typeof connectionStringKeywords]
    expect(Object.keys(rows)).toEqual(Object.keys(table))
  })

  test.each(Object.entries(rows))('%s does what its row says', (keyword, values) => {
    const outcomes = Object.keys(values).map((value) => [value, outcomeOf(keyword, value)])
    expect(Object.fromEntries(outcomes)).toEqual(values)
  })

  test.each(Object.entries(rows))('the answer of %s is that of its examples', (keyword, values) => {
    const table = connectionStringKeywords[whose as keyof typeof connectionStringKeywords]
    const outcomes = Object.values(values).map((value) => (typeof value === 'string' ? value : 'honoured'))
    expect<(string | undefined)[]>(outcomes).toContain(table[keyword]?.answer)
  })
})
