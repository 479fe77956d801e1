import { readFile, stat } from 'node:fs/promises'
import { ConnectError } from '@shared/pool'
import type { Target } from './target.ts'

const maxBytes = 64 * 1024

/**
 * The password for the next connection: the file's content without its trailing line breaks, read anew at each call so
 * that rotation needs no restart, else the URL's.
 *
 * @throws {ConnectError} naming the file, `retryable` because the program that rotates it may be writing it right now.
 */
export async function readPassword({ password, passwordFile }: Target): Promise<string> {
  if (passwordFile === undefined) return password
  try {
    const stats = await stat(passwordFile)
    // Reading a pipe would wait for its writer.
    if (!stats.isFile()) throw new Error('not a regular file')
    if (stats.size > maxBytes) throw new Error(`larger than ${maxBytes / 1024} KiB`)
    const content = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(passwordFile))
    const read = content.replace(/(\r?\n)+$/, '')
    if (read === '') throw new Error('empty')
    return read
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? (cause as Error).message
    throw new ConnectError(
      `The password could not be read from ${passwordFile} (${reason}). Put the role's password there; it is read at each connect.`,
      { cause, driverCode: 'PASSWORD_FILE' },
    )
  }
}
