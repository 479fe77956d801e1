import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { readSources, type SourceFile } from '../checks/imports.ts'
import { fileGraph } from '../checks/rooms.ts'
import type { Package } from '../workspace/packages.ts'

/** One of the `exports` of a package. */
export interface Entry {
  /** As `exports` has it: `.` or `./explain`. */
  readonly subpath: string
  /** From the package's folder: `src/index.ts`. */
  readonly source: string
  /** Its file and all that it imports of its package, types included; from the package's folder. */
  readonly files: readonly string[]
  /** Why it stays in the workspace; null where it is published. */
  readonly keptBecause: string | null
}

/**
 * Reads the entries of a package. Published is what lies in `src` and needs nothing but Node and what the package depends on; a
 * test kit that needs a devDependency or Bun's test runner is for this workspace alone.
 *
 * @throws {Error} for exports that are no files of the package, and where `.` could not be published.
 */
export function readEntries({ path, folder, manifest }: Package): Entry[] {
  const files = readSources(folder)
  const declared = new Set([
    manifest.name,
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ])
  const entries = Object.entries(manifest.exports ?? {}).map(([subpath, target]) => {
    const source = posix.normalize(target)
    if (!files.some((file) => file.path === source))
      throw new Error(`${path}/package.json exports ${target} as ${subpath}: there is no such source file.`)
    const needed = reachable(source, files)
    const keptBecause = reasonToKeep(source, needed, declared)
    return { subpath, source, files: needed.map((file) => file.path), keptBecause }
  })
  const main = entries.find(({ subpath }) => subpath === '.')
  if (!main || main.keptBecause !== null)
    throw new Error(`${path} cannot be published: ${main?.keptBecause ?? 'it has no export "."'}.`)
  return entries
}

function reasonToKeep(
  source: string,
  needed: readonly SourceFile[],
  declared: ReadonlySet<string>,
): string | null {
  if (!source.startsWith('src/')) return `${source} is outside src`
  for (const file of needed) {
    const foreign = file.imports
      .map(({ specifier }) => specifier)
      .find(
        (specifier) =>
          !specifier.startsWith('.') && !isNodes(specifier) && !declared.has(packageOf(specifier)),
      )
    if (foreign !== undefined) return `${file.path} imports ${foreign}, which is no dependency`
  }
  return null
}

/** A file and all that it imports of its package, types included. */
function reachable(source: string, files: readonly SourceFile[]): SourceFile[] {
  const graph = fileGraph(files)
  const found = new Set([source])
  for (const path of found) for (const next of graph.get(path) ?? []) found.add(next)
  return files.filter(({ path }) => found.has(path))
}

// Bun counts its own modules as built in, too.
const isNodes = (specifier: string): boolean => isBuiltin(specifier) && !/^bun(?::|$)/.test(specifier)

/** The package that a specifier is of: `@scope/name/sub` → `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
