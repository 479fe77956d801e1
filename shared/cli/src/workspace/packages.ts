import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

/** The repository's root. */
export const repositoryRoot = resolve(import.meta.dir, '../../../..')

/** What this CLI reads of a package.json. */
export interface Manifest {
  name: string
  description?: string
  /** Source files by subpath. */
  exports?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  /**
   * There where the package is published. What it names are dependencies here, which the workspace pins: it says which ranges of them a
   * project may have, and its peerDependencies that the project installs them itself.
   */
  publishConfig?: { dependencies?: Record<string, string>; peerDependencies?: Record<string, string> }
}

/** A package of the workspace. */
export interface Package {
  /** From the root, with `/`: `services/auth`. */
  readonly path: string
  readonly folder: string
  readonly manifest: Manifest
}

/** Reads the packages that the root's `workspaces` names, in order of their paths. Needs no node_modules. */
export function readPackages(root = repositoryRoot): Package[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const patterns: string[] = Array.isArray(workspaces) ? workspaces : (workspaces?.packages ?? [])
  return patterns
    .flatMap((pattern) => expand(root, pattern))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({
      path: relative(root, folder).replaceAll('\\', '/'),
      folder,
      manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
    }))
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** A package and every package of the workspace that it runs on, itself first. */
export function withDependencies(start: Package, packages: readonly Package[]): Package[] {
  const found = new Set([start])
  for (const { manifest } of found) {
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const dependency = packages.find((candidate) => candidate.manifest.name === name)
      if (dependency !== undefined) found.add(dependency)
    }
  }
  return [...found]
}

function expand(root: string, pattern: string): string[] {
  if (!pattern.endsWith('/*')) return [join(root, pattern)]
  const parent = join(root, pattern.slice(0, -2))
  if (!existsSync(parent)) return []
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name))
}
