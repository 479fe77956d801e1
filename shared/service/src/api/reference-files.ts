import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

import type { bundledFiles } from './bundled-files.ts'

/** The files of the page that come from `swagger-ui-dist`. */
type ReferenceFile = keyof typeof bundledFiles

/** Reads a file of the page. */
export async function readReferenceFile(name: ReferenceFile): Promise<string> {
  return await readFile(await pathOf(name), 'utf8')
}

async function pathOf(name: ReferenceFile): Promise<string> {
  // A program that Bun has bundled finds its files beside itself, wherever it was started.
  if (process.versions.bun !== undefined) return (await import('./bundled-files.ts')).bundledFiles[name]
  return createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`)
}
