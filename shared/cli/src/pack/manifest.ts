import type { Package } from '../workspace/packages.ts'
import type { Entry } from './entries.ts'
import { publishedName } from './published-names.ts'

/** What holds for every package. */
export interface Release {
  readonly version: string
  readonly license: string
  readonly engines: Readonly<Record<string, string>>
  readonly scope: string
  /** The names, in the workspace, of all packages that are published together. */
  readonly names: readonly string[]
  /** Exact versions by name, as the workspace's catalog has them. */
  readonly catalog: Readonly<Record<string, string>>
}

type Dependencies = Record<string, string>

/**
 * The package.json of a tarball. A dependency of the catalog becomes a range that begins with its version, one of the workspace a peer
 * of this very release; what `publishConfig.peerDependencies` names is the project's own to install, too, and what
 * `publishConfig.dependencies` names has the range that it says.
 *
 * @throws {Error} for a dependency that is published nowhere.
 */
export function publishedManifest(
  { path, manifest }: Package,
  entries: readonly Entry[],
  release: Release,
  needsNodeTypes: boolean,
): Record<string, unknown> {
  const { scope, version, license, engines } = release
  const peerDependencies: Dependencies = {
    ...manifest.peerDependencies,
    ...manifest.publishConfig?.peerDependencies,
  }
  const dependencies: Dependencies = {}
  for (const [name, wanted] of Object.entries(manifest.dependencies ?? {})) {
    if (name in peerDependencies) continue
    // Peers, so that a project has one copy of each: Bun would look up a dependency by name beside a tarball that is there.
    const kind = wanted.startsWith('workspace:') ? peerDependencies : dependencies
    const range = manifest.publishConfig?.dependencies?.[name] ?? published(path, name, wanted, release)
    kind[publishedName(name, scope)] = range
  }
  if (needsNodeTypes) dependencies['@types/node'] = '*'
  return {
    name: publishedName(manifest.name, scope),
    version,
    description: manifest.description,
    license,
    type: 'module',
    sideEffects: false,
    engines,
    exports: {
      ...Object.fromEntries(entries.map(({ subpath, source }) => [subpath, outputOf(source)])),
      './package.json': './package.json',
    },
    files: ['dist', 'CHANGELOG.md'],
    ...(Object.keys(dependencies).length > 0 && { dependencies: sorted(dependencies) }),
    ...(Object.keys(peerDependencies).length > 0 && { peerDependencies: sorted(peerDependencies) }),
  }
}

function outputOf(source: string): { types: string; default: string } {
  const output = `./dist/${source.slice('src/'.length).replace(/\.ts$/, '')}`
  return { types: `${output}.d.ts`, default: `${output}.js` }
}

function published(path: string, name: string, wanted: string, { names, version, catalog }: Release): string {
  if (wanted.startsWith('workspace:')) {
    if (!names.includes(name)) throw new Error(`${path} depends on ${name}, which is not published.`)
    return version
  }
  if (!wanted.startsWith('catalog:')) return wanted
  const exact = catalog[name]
  if (exact === undefined) throw new Error(`${path} depends on ${name}, which the catalog does not have.`)
  return `^${exact}`
}

function sorted(dependencies: Dependencies): Dependencies {
  return Object.fromEntries(Object.entries(dependencies).sort(([left], [right]) => (left < right ? -1 : 1)))
}
