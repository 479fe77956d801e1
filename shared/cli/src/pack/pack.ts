import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Package, readPackages, repositoryRoot } from '../workspace/packages.ts'
import { compile } from './compile.ts'
import { type Entry, readEntries } from './entries.ts'
import type { Release } from './manifest.ts'
import { publishedName, publishedScope } from './published-names.ts'
import { stage } from './stage.ts'

/** A tarball that was written. */
export interface Tarball {
  /** As it is published. */
  readonly name: string
  readonly version: string
  /** Absolute. */
  readonly file: string
  /** All entries of the package in the workspace; those with a `keptBecause` are not in the tarball. */
  readonly entries: readonly Entry[]
}

/** What `pack` takes. */
export interface PackOptions {
  /** Folder for the tarballs; made where it is missing. */
  readonly destination: string
  /** Default: `publishedScope`. */
  readonly scope?: string
}

/**
 * Writes a tarball of each package with a `publishConfig`, ready for `npm publish` or for an install by its path.
 *
 * @throws {Error} naming the package, for what would not work where it is installed.
 */
export async function pack({ destination, scope = publishedScope }: PackOptions): Promise<Tarball[]> {
  const packages = readPackages().filter(({ manifest }) => manifest.publishConfig !== undefined)
  const release = readRelease(packages, scope)
  const plans = packages.map((from) => ({ from, entries: readEntries(from) }))
  const build = mkdtempSync(join(tmpdir(), 'packages-'))
  try {
    const files = plans.flatMap(({ from, entries }) => [
      ...new Set(
        entries.filter(isPublished).flatMap((entry) => entry.files.map((file) => join(from.folder, file))),
      ),
      ...ambientTypes(from),
    ])
    const outputOf = await compile({ files, folder: build })
    mkdirSync(destination, { recursive: true })
    const tarballs: Tarball[] = []
    for (const { from, entries } of plans) {
      const folder = join(build, 'staged', from.path)
      const output = outputOf(join(from.folder, 'src'))
      stage({ from, entries: entries.filter(isPublished), output, folder, release })
      const name = publishedName(from.manifest.name, scope)
      tarballs.push({
        name,
        version: release.version,
        file: await writeTarball(folder, destination),
        entries,
      })
    }
    return tarballs
  } finally {
    rmSync(build, { recursive: true })
  }
}

const isPublished = ({ keptBecause }: Entry): boolean => keptBecause === null

function readRelease(packages: readonly Package[], scope: string): Release {
  const { version, license, engines, workspaces } = JSON.parse(
    readFileSync(join(repositoryRoot, 'package.json'), 'utf8'),
  )
  if (!readFileSync(join(repositoryRoot, 'CHANGELOG.md'), 'utf8').includes(`\n## ${version}`))
    throw new Error(`CHANGELOG.md has no section for version ${version} of package.json: write it first.`)
  return {
    version,
    license,
    // What compiles for Node 20 also needs import.meta.dirname.
    engines: { node: '>=20.11', bun: `>=${engines.bun}` },
    scope,
    names: packages.map(({ manifest }) => manifest.name),
    catalog: workspaces.catalog,
  }
}

/** Declarations of modules without types of their own, which nothing imports. */
function ambientTypes({ folder }: Package): string[] {
  return [...new Bun.Glob('src/**/*.d.ts').scanSync({ cwd: folder, absolute: true })]
}

async function writeTarball(folder: string, destination: string): Promise<string> {
  const command = ['pm', 'pack', '--quiet', '--ignore-scripts', '--destination', destination]
  const running = Bun.spawn([process.execPath, ...command], {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, exitCode] = await Promise.all([
    running.stdout.text(),
    running.stderr.text(),
    running.exited,
  ])
  if (exitCode !== 0) throw new Error(`bun pm pack failed in ${folder}:\n${out}${err}`)
  return join(destination, out.trim().split('\n').at(-1)?.split('/').at(-1) ?? '')
}
