import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** A template key made of the contents of files and folders: a changed migration gives another key, so another template. */
export function templateKey(...paths: string[]): string {
  const hash = createHash('sha256')
  for (const path of paths) {
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' })
          .map((name) => join(path, name))
          .filter((file) => statSync(file).isFile())
          .sort()
      : [path]
    for (const file of files) {
      const content = readFileSync(file)
      hash.update(`${relative(path, file)}\0${content.length}\0`).update(content)
    }
  }
  return hash.digest('hex').slice(0, 32)
}
