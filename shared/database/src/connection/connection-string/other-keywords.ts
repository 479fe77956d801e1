import {
  honoured,
  ignored,
  type Keyword,
  type KeywordTable,
  number,
  only,
  option,
  readSslMode,
  refused,
  secondsOrNever,
  truth,
} from './keyword.ts'
import { libpqKeywords } from './libpq-keywords.ts'

const same = (keyword: string, does = `as \`${keyword}\``): Keyword => {
  const row = libpqKeywords[keyword]
  if (!row) throw new Error(`There is no keyword ${keyword}.`)
  return { ...row, does }
}

/** Seconds, 0 or less for never. */
const orNever = (value: string): number =>
  number(value) <= 0 ? Number.POSITIVE_INFINITY : secondsOrNever(value)

/** What a process opens at the most: a pool without overflow. */
const limit = honoured('the option `pool.poolSize`, with `pool.maxOverflow` 0', (value, said, keyword) => {
  said.pool.maxOverflow ??= 0
  return size.read(value, said, keyword)
})
const size = option('pool', 'poolSize', number)

const searchPath = honoured('the setting `search_path`, with the name quoted', (value, said) => {
  said.settings.search_path = `"${value.replaceAll('"', '""')}"`
  return undefined
})

const ownWay = 'done by the layer itself'
const poolTimes = 'see the options of the pool'
const deadlines = 'bound statements with `statement_timeout`, or with `within()`'

/** What other stacks and providers put into connection strings. What is in no table is a setting of the server. */
export const otherKeywords: KeywordTable = {
  database: same('dbname'),
  username: same('user'),
  ssl: honoured(
    'true: sslmode=require, as in libpq; false: disable; also a mode by its name',
    (value, said) => {
      if (said.has('sslmode')) return
      const isOn = truth(value)
      return readSslMode(isOn === undefined ? value : isOn ? 'require' : 'disable', said)
    },
  ),
  sslaccept: honoured(
    'Prisma: strict is sslmode=verify-full, accept_invalid_certs the mode as it is',
    (value, said) => {
      if (value === 'strict') said.connection.sslMode = 'verify-full'
      else if (value !== 'accept_invalid_certs') return 'must have sslaccept strict or accept_invalid_certs'
    },
  ),
  sslidentity: refused('Prisma’s file of certificate and key: use `sslcert` and `sslkey`'),
  uselibpqcompat: ignored('sslmode has libpq’s meaning'),
  schema: searchPath,
  currentSchema: searchPath,
  statement_timeout: option(
    'connection',
    'statementTimeoutMs',
    milliseconds,
    'the option `connection.statementTimeoutMs`: ms, or with a unit as the server has them (`5s`)',
  ),
  connectTimeout: same('connect_timeout'),
  loginTimeout: same('connect_timeout'),
  ApplicationName: same('application_name'),
  tcpKeepAlive: ignored('on by default: see `keepalives`'),
  prepare: option('connection', 'prepare', truth),
  prepared_statements: option('connection', 'prepare', truth),
  statement_cache_size: option('connection', 'maxPreparedStatements', number),
  prepared_statement_cache_size: option('connection', 'maxPreparedStatements', number),
  statement_limit: option('connection', 'maxPreparedStatements', number),
  pgbouncer: ignored('a pooler is recognized at the login'),
  connection_limit: limit,
  max: limit,
  pool_max_conns: limit,
  pool: limit,
  pool_size: size,
  max_overflow: option('pool', 'maxOverflow', number),
  pool_timeout: option(
    'pool',
    'checkoutTimeoutMs',
    secondsOrNever,
    'the option `pool.checkoutTimeoutMs`, in seconds; 0: no limit',
  ),
  pool_recycle: option(
    'pool',
    'recycleMs',
    orNever,
    'the option `pool.recycleMs`, in seconds; 0 or less: never',
  ),
  max_lifetime: option(
    'pool',
    'recycleMs',
    orNever,
    'the option `pool.recycleMs`, in seconds; 0 or less: never',
  ),
  idle_timeout: option(
    'pool',
    'idleTimeoutMs',
    orNever,
    'the option `pool.idleTimeoutMs`, in seconds; 0 or less: never',
  ),
  pool_pre_ping: option('pool', 'prePing', truth),
  pool_use_lifo: ignored('idle connections are taken last-in first-out'),
  pool_min_conns: ignored(poolTimes),
  pool_max_conn_lifetime: ignored(poolTimes),
  pool_max_conn_idle_time: ignored(poolTimes),
  conn_max_age: ignored(poolTimes),
  checkout_timeout: ignored(poolTimes),
  reaping_frequency: ignored(poolTimes),
  socket_timeout: ignored(deadlines),
  socketTimeout: ignored(deadlines),
  command_timeout: ignored(deadlines),
  query_timeout: ignored(deadlines),
  encoding: only(['utf8', 'utf-8', 'unicode', 'auto'], 'always UTF8; any other is refused'),
  binaryTransfer: ignored(ownWay),
  prepareThreshold: ignored(ownWay),
  reWriteBatchedInserts: ignored(ownWay),
  default_query_exec_mode: ignored(ownWay),
  fetch_types: ignored(ownWay),
  supa: ignored('a mark of Supabase’s'),
}

/** A time as the server reads it: ms where it has no unit. */
function milliseconds(value: string): number {
  const [, amount, unit = 'ms'] = /^(\d{1,12})(ms|s|min|h|d)?$/.exec(value) ?? []
  const factors: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1_000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  }
  return Number(amount) * (factors[unit] ?? Number.NaN)
}
