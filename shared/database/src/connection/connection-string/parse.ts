import { joinHosts } from './hosts.ts'
import type { KeywordTable } from './keyword.ts'
import { libpqKeywords } from './libpq-keywords.ts'
import { otherKeywords } from './other-keywords.ts'
import { isKeywordValueForm, readKeywordValues } from './read-keyword-values.ts'
import { type Entries, type Read, readUri } from './read-uri.ts'
import type { ConnectionStringParts, Said } from './said.ts'

/** Every keyword that is known, and what is done about each: the only place that says so. */
export const connectionStringKeywords = { libpq: libpqKeywords, other: otherKeywords }

const keywords: KeywordTable = { ...libpqKeywords, ...otherKeywords }

/**
 * Reads any connection string of libpq's, a URI or keyword=value pairs, with what other stacks and providers write into it.
 *
 * Nothing is filled in from `PG*` variables, files or the operating system.
 *
 * @returns What it says, or what is wrong, each to be read after the string's name. No problem repeats a value, nor the name
 *   of a parameter that is in no table where it may be a piece of a password that was not escaped.
 */
export function parseConnectionString(
  text: string,
): { parts: ConnectionStringParts } | { problems: string[] } {
  const read = readText(text)
  if ('problems' in read) return read
  const { entries, problems } = withoutRepeats(read.entries)
  const given = new Map(entries)
  const said: Said = {
    connection: {},
    pool: {},
    settings: {},
    tls: {},
    notes: [],
    has: (name) => given.has(name),
  }
  // It may be the rest of a password: between pairs of one with a space, behind a ? of one in a string without a user.
  const hasUser = given.has('user') || given.has('username')
  const doubt = isKeywordValueForm(text) ? strayPair : hasUser ? undefined : strayParameter
  for (const [keyword, value] of entries) {
    const problem = Object.hasOwn(keywords, keyword)
      ? keywords[keyword]?.read(value, said, keyword)
      : (misspelt(keyword) ?? doubt ?? takeSetting(keyword, value, said))
    if (problem) problems.push(problem)
  }
  problems.push(...problemsOf(said))
  if (problems.length > 0) return { problems: [...new Set(problems)] }
  const { has: _, ...parts } = said
  return {
    parts: { ...parts, parameters: Object.fromEntries(entries.filter(([name]) => !pieces.has(name))) },
  }
}

const pieces = new Set(['host', 'hostaddr', 'port', 'dbname', 'database', 'user', 'username', 'password'])

function readText(text: string): Read {
  if (/^\s*(?:host|server|data source|username|user id)\s*=[^']*;/i.test(text))
    return { problems: ['is in the form of .NET: write postgresql://user:password@host:port/database'] }
  return isKeywordValueForm(text) ? readKeywordValues(text) : readUri(text)
}

/**
 * What is empty is not said. SQLAlchemy repeats `host`; of anything else libpq takes the last, which is more likely a
 * mistake.
 */
function withoutRepeats(entries: Entries): { entries: Entries; problems: string[] } {
  const kept = new Map<string, string>()
  const problems: string[] = []
  for (const [keyword, value] of entries.filter(([, value]) => value !== '')) {
    const before = kept.get(keyword)
    if (before !== undefined && keyword === 'host') kept.set(keyword, `${before},${value}`)
    else if (before !== undefined && before !== value)
      problems.push(Object.hasOwn(keywords, keyword) ? `has ${keyword} twice` : 'has a parameter twice')
    else kept.set(keyword, value)
  }
  return { entries: [...kept], problems }
}

const strayParameter =
  'has a parameter that is not known: correct it, or say the user before it; percent-encode / ? # @ : and % in the password'
const strayPair =
  "has a keyword that is not known: correct it, put a value with spaces between single quotes, and give settings of the server as options='-c name=value'"

/** A parameter that is in no table is a setting of the server, which refuses it at login if it has none of that name. */
function takeSetting(name: string, value: string, said: Said): string | undefined {
  if (!/^[a-z][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/i.test(name))
    return 'has a parameter that is neither known nor a setting of the server'
  said.settings[name] = value
}

/** Names the keyword that another spelling stands for. */
function misspelt(name: string): string | undefined {
  const known = Object.keys(keywords).find((keyword) => plain(keyword) === plain(name))
  return known && `has a parameter that is none: write ${known}`
}

const plain = (name: string): string => name.toLowerCase().replace(/[_-]/g, '')

function problemsOf(said: Said): string[] {
  const hosts = joinHosts(said)
  const { sslRootCert, sslMode = 'verify-full' } = said.connection
  const problems = typeof hosts === 'string' ? [hosts] : []
  if (sslRootCert === 'system') {
    if (sslMode !== 'verify-full') problems.push('must have sslmode=verify-full with sslrootcert=system')
    said.connection.sslMode = 'verify-full'
  }
  return problems
}
