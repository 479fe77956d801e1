import { isPlainText } from '../host.ts'

/** What a string says, in its order: a keyword and its value, decoded. */
export type Entries = readonly (readonly [keyword: string, value: string])[]

/** What a string says, or what is wrong with it. */
export type Read = { entries: Entries } | { problems: string[] }

const unreadable = 'cannot be read: percent-encode / ? # @ : and % in user and password (@ is %40)'

/**
 * Reads the URI form: `postgresql://user:password@host:port,host:port/database?keyword=value`.
 *
 * As libpq does, but for four things: a driver's suffix as SQLAlchemy writes it and `jdbc:` are dropped, an unescaped @
 * belongs to the password, a # must be escaped, and a database name has no /.
 *
 * @see PostgreSQL, "Connection URIs"
 */
export function readUri(text: string): Read {
  if (/\s/.test(text) || !isPlainText(text))
    return { problems: ['must not contain spaces or control characters'] }
  const scheme = /^(?:jdbc:)?postgres(?:ql)?(?:\+[a-z0-9_]+)?:\/\//i.exec(text)?.[0]
  if (scheme === undefined) return { problems: ['must begin with postgresql:// (or postgres://)'] }
  const [, authority = '', path = '', query = ''] =
    /^([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#.*)?$/.exec(text.slice(scheme.length)) ?? []
  if (text.includes('#')) return { problems: [unreadable] }
  const problems: string[] = []
  const entries: [string, string][] = []
  const say = (keyword: string, raw: string, label = keyword): void => {
    const value = decode(raw)
    if (value.problem) problems.push(`${value.problem[0]} its ${label}${value.problem[1]}`)
    else if (value.text !== '') entries.push([keyword, value.text])
  }
  const at = authority.lastIndexOf('@')
  if (at >= 0) {
    const [, user = '', password = ''] = /^([^:]*):?(.*)$/.exec(authority.slice(0, at)) ?? []
    say('user', user)
    say('password', password)
  }
  const pairs = authority
    .slice(at + 1)
    .split(',')
    .map((pair) => /^(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/.exec(pair))
  if (pairs.includes(null)) return { problems: [unreadable] }
  if (pairs.some((pair) => pair?.[1] || pair?.[2])) {
    say('host', pairs.map((pair) => pair?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '').join(','))
    if (pairs.some((pair) => pair?.[2])) say('port', pairs.map((pair) => pair?.[2] ?? '').join(','))
  }
  if (path.includes('/')) problems.push('must end with the database name, without another /')
  say('dbname', path, 'database name')
  const parameters = readQuery(query, problems)
  // A host or port in the query stands for that before it, as Cloud SQL's strings have it.
  const overridden = ['host', 'port'].filter((name) => parameters.some(([keyword]) => keyword === name))
  const kept = entries.filter(([keyword]) => !overridden.includes(keyword))
  return problems.length > 0 ? { problems: [...new Set(problems)] } : { entries: [...kept, ...parameters] }
}

function readQuery(query: string, problems: string[]): Entries {
  const entries: [string, string][] = []
  for (const pair of query.split('&').filter((pair) => pair !== '')) {
    const [, name = '', raw] = /^([^=]*)(?:=(.*))?$/.exec(pair) ?? []
    const keyword = decode(name)
    const value = decode(raw ?? '')
    // An @ with a host behind it ends a password that was not escaped, of which this is the rest.
    if (raw !== undefined && /@.*[/:?]/.test(raw)) problems.push(unreadable)
    else if (raw === undefined || name === '' || name.includes('@'))
      problems.push('must have its parameters as name=value')
    else if (keyword.problem || value.problem)
      problems.push('has a parameter that is not percent-encoded: write % as %25')
    else entries.push([keyword.text, value.text])
  }
  return entries
}

function decode(piece: string): { text: string; problem?: readonly [string, string] } {
  try {
    const text = decodeURIComponent(piece)
    if (isPlainText(text)) return { text }
    return { text: '', problem: ['has a control character in', ''] }
  } catch {
    return { text: '', problem: ['has a % in', ' that begins no escape: write it as %25'] }
  }
}
