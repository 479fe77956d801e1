import { isHost, isPlainText, isSocketName, readHosts, readPorts } from '@shared/database'
import { z } from 'zod'
import { Secret } from './secret.ts'

// Messages say what is expected and never repeat the value: a password pasted into the wrong line must not be printed.

/** Longest time a JavaScript timer and PostgreSQL's millisecond settings can hold, in whole seconds (24.8 days). */
export const maxSeconds = 2_147_483

/** A whole number in plain decimal digits: no space, plus sign, hex, exponent or leading zero. */
export function integer(range: { min: number; max: number }) {
  const message = `must be a whole number from ${range.min} to ${range.max}, in plain digits`
  return z
    .string({ error: message })
    .regex(/^(0|-?[1-9]\d{0,14})$/, { error: message, abort: true })
    .transform(Number)
    .refine((value) => value >= range.min && value <= range.max, { error: message })
}

/** Seconds, with up to three decimals. `never` lets -1 through, which stands for "no limit" as in SQLAlchemy. */
export function seconds(range: { min: number; max?: number; never?: boolean }) {
  const max = range.max ?? maxSeconds
  const message = `must be seconds from ${range.min} to ${max}, such as 30 or 0.5${range.never ? ', or -1 for never' : ''}`
  const pattern = range.never ? /^(-1|(0|[1-9]\d{0,9})(\.\d{1,3})?)$/ : /^(0|[1-9]\d{0,9})(\.\d{1,3})?$/
  return z
    .string({ error: message })
    .regex(pattern, { error: message, abort: true })
    .transform(Number)
    .refine((value) => (range.never && value === -1) || (value >= range.min && value <= max), {
      error: message,
    })
}

/** `true` or `false`; also 1/0, yes/no, on/off, y/n, enabled/disabled. */
export function boolean() {
  return z.stringbool({ error: 'must be true or false' })
}

/** A level of the log, in any case; Python's names of two of them are understood. */
export function logLevel<const T extends readonly [string, ...string[]]>(levels: T) {
  const aliases: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' }
  return z
    .string()
    .transform((value) => value.toLowerCase())
    .transform((value) => (Object.hasOwn(aliases, value) ? aliases[value] : value))
    .pipe(oneOf(levels))
}

/** One of the words given, in lower case. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` })
}

/** Text PostgreSQL can be sent: not empty, no control character, valid Unicode. */
export function text(max: number) {
  return z
    .string({ error: 'must be text' })
    .min(1, { error: 'must not be empty' })
    .max(max, { error: `must be at most ${max} characters` })
    .refine(isPlainText, { error: 'must not contain control characters or broken Unicode' })
}

/** A password, hidden from here on. */
export function secret() {
  return text(4096).transform((value) => new Secret(value))
}

/** The name of a database or role; PostgreSQL keeps 63 bytes of it and would cut the rest silently. */
export function identifier() {
  return (
    text(63)
      .refine((value) => Buffer.byteLength(value) <= 63, { error: 'must be at most 63 bytes' })
      // In a URL's path these mean a folder, and vanish.
      .refine((value) => value !== '.' && value !== '..', { error: 'must be a name' })
  )
}

/** A host name, an IPv4 or an IPv6 address (with or without brackets); one host, no port, no socket path. */
export function host() {
  return z
    .string({ error: 'must be a host name or an IP address' })
    .transform((value) => value.replace(/^\[(.*)\]$/, '$1'))
    .refine((value) => isHost(value) && !isSocketName(value), {
      error: 'must be one host name or IP address, without port, path or comma',
    })
}

/** The hosts of a database, separated by commas: names, IP addresses (IPv6 with or without brackets), folders of Unix sockets. */
export function hosts() {
  return read(
    (value) => readHosts(value.replace(/\[([^\]]*)\](?!:)/g, '$1')),
    'must be host names or IP addresses, separated by commas, or the folder of a Unix socket',
  )
}

/** One port for all hosts, or one for each, separated by commas; in plain digits. */
export function ports() {
  const message = 'must be a port from 1 to 65535, or one for each host, separated by commas, in plain digits'
  return read((value) => (/^[1-9]\d*(,[1-9]\d*)*$/.test(value) ? readPorts(value) : message), message)
}

/** What a reader of connection strings makes of a text; it answers with a text where it cannot read it. */
function read<T extends object>(reader: (value: string) => T | string, message: string) {
  return z.string({ error: message }).transform((value, context): T => {
    const result = reader(value)
    if (typeof result !== 'string') return result
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

/** The address of another service, without its trailing slash: `http://product:8002`, or with a path it is served under. */
export function serviceUrl() {
  const message = 'must be an http or https address such as http://product:8002, without user, query and #'
  return z
    .string({ error: message })
    .refine(isServiceUrl, { error: message })
    .transform((value) => value.replace(/\/+$/, ''))
}

function isServiceUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s?#\\]+$/.test(value) || !URL.canParse(value)) return false
  const { hostname, username, password } = new URL(value)
  return isHost(hostname.replace(/^\[(.*)\]$/, '$1')) && username === '' && password === ''
}

/** Origins as browsers send them, separated by commas: scheme, host and port, nothing after them. */
export function origins() {
  const message = 'must be origins such as https://shop.example, separated by commas, without paths and *'
  return z
    .string({ error: message })
    .transform((value) => value.split(',').map((origin) => origin.trim()))
    .refine((list) => list.every(isOrigin), { error: message })
}

function isOrigin(value: string): boolean {
  return /^https?:[^*]+$/.test(value) && URL.canParse(value) && new URL(value).origin === value
}
