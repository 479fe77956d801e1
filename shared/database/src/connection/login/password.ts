import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { ConnectError } from '@shared/pool'
import type { Host } from '../host.ts'
import type { Target } from '../target.ts'
import { findPassword, openTo } from './pass-file.ts'

const maxBytes = 64 * 1024

/**
 * The password for the next connection, read anew at each call so that rotation needs no restart: the content of `passwordFile`
 * without its trailing line breaks, else the string's, else what `passFile` has for the host.
 *
 * @throws {ConnectError} naming the file, `retryable` because the program that rotates it may be writing it right now.
 */
export async function readPassword(target: Target, host: Host, passFile?: string): Promise<string> {
  const { password, passwordFile } = target
  if (passwordFile !== undefined) {
    return await fromFile(passwordFile, "Put the role's password there", (content) => {
      const read = content.replace(/(\r?\n)+$/, '')
      if (read === '') throw new Error('empty')
      return read
    })
  }
  if (password !== '' || passFile === undefined) return password
  return await fromFile(passFile, 'Put a line host:port:database:user:password there', (content, stats) => {
    const problem = openTo(stats)
    if (problem !== null) throw new Error(problem)
    const found = findPassword(content, { host, ...target })
    if (found === undefined) throw new Error('no line for this host, port, database and user')
    return found
  })
}

async function fromFile(
  path: string,
  advice: string,
  read: (content: string, stats: Stats) => string,
): Promise<string> {
  try {
    const stats = await stat(path)
    // Reading a pipe would wait for its writer.
    if (!stats.isFile()) throw new Error('not a regular file')
    if (stats.size > maxBytes) throw new Error(`larger than ${maxBytes / 1024} KiB`)
    return read(new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)), stats)
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? (cause as Error).message
    throw new ConnectError(
      `The password could not be read from ${path} (${reason}). ${advice}; it is read at each connect.`,
      { cause, driverCode: 'PASSWORD_FILE' },
    )
  }
}
