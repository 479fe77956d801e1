import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** `import.meta.resolve` of a source file, for its bundle. */
export function resolveFrom(file: string, name: string): string {
  return pathToFileURL(createRequire(file).resolve(name)).href
}
