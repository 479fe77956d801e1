import type { Stats } from 'node:fs'
import type { Host } from '../host.ts'

/** Whom a line of a password file must be for. */
export interface PassFileQuestion {
  readonly host: Host
  readonly database: string
  readonly user: string
}

/**
 * Finds the password in the text of a file as libpq has it: `host:port:database:user:password` on each line, where * stands for
 * any and \ goes before : and \. The first line that fits counts. A Unix socket is named by its folder.
 *
 * @see PostgreSQL, "The Password File"
 */
export function findPassword(text: string, { host, database, user }: PassFileQuestion): string | undefined {
  const wanted = [host.name, String(host.port), database, user]
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    const [, ...fields] =
      /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/.exec(line) ?? []
    const fits = wanted.every((value, index) => fields[index] === '*' || unescaped(fields[index]) === value)
    if (fits && fields.length > 0) return unescaped(passwordField(fields[4] ?? ''))
  }
  return undefined
}

/** What others may not be allowed to do with a password file, if they are; null: nothing. */
export function openTo({ mode }: Stats): string | null {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return null
  return 'others may read it: chmod 600'
}

/** The password ends at the next : that has no \ before it; what follows is for later versions of the format. */
const passwordField = (field: string): string => /^(?:[^:\\]|\\.|\\$)*/.exec(field)?.[0] ?? ''

const unescaped = (field = ''): string => field.replace(/\\(.)/g, '$1')
