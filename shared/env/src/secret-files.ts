import { readFileSync, statSync } from 'node:fs'
import type { Issues } from './issues.ts'
import { fileVariable, type VariableTable } from './variables.ts'

const maxBytes = 64 * 1024

/**
 * Replaces each `<NAME>_FILE` of a table's secrets by `<NAME>` with the file's content, in place.
 *
 * The convention of Docker's images: giving both is an error, trailing line breaks are dropped. What is wrong
 * with a file is an issue of `<NAME>` that names the file and never its content.
 *
 * @see docker-library/postgres, docker-entrypoint.sh `file_env`
 */
export function readSecretFiles(
  table: VariableTable,
  environment: Record<string, string | undefined>,
  issues: Issues,
): void {
  for (const [name, variable] of Object.entries(table)) {
    const path = variable.secret ? environment[fileVariable(name)] : undefined
    if (path === undefined) continue
    delete environment[fileVariable(name)]
    if (environment[name] !== undefined) {
      issues.add(name, `and ${fileVariable(name)} are both set: keep one of them`)
      delete environment[name]
      continue
    }
    const file = readSecretFile(path)
    if ('content' in file) environment[name] = file.content
    else issues.add(name, `${fileVariable(name)} names ${displayPath(path)}, which ${file.problem}`)
  }
}

function readSecretFile(path: string): { content: string } | { problem: string } {
  try {
    const stats = statSync(path)
    if (!stats.isFile()) return { problem: 'is not a regular file' }
    if (stats.size > maxBytes) return { problem: `is larger than ${maxBytes / 1024} KiB` }
    const content = new TextDecoder('utf-8', { fatal: true })
      .decode(readFileSync(path))
      .replace(/(\r?\n)+$/, '')
    return content === '' ? { problem: 'is empty' } : { content }
  } catch (error) {
    return { problem: describeFailure(error) }
  }
}

function describeFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'is not UTF-8 text'
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'this process may not read'
  return `cannot be read (${code})`
}

// Somebody who put the secret itself where its path belongs must not find it in the log.
function displayPath(path: string): string {
  const looksLikePath = /^(\.{0,2}\/|[a-z]:[\\/])[\w./\\ -]*$/i.test(path) && path.length <= 200
  return looksLikePath ? path : 'something that does not look like a path (not shown; begin it with / or ./)'
}
