import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type Manifest, type Package, readPackages } from '../workspace/packages.ts'
import { boundaryRules, testsMayUse } from './boundary-rules.ts'
import { readSources, type SourceFile } from './imports.ts'

/**
 * Checks every import and every manifest of the workspace against {@link boundaryRules}, and that an import stays in
 * its package or names a declared dependency; returns a line for each finding.
 */
export function checkBoundaries(root: string): string[] {
  const packages = readPackages(root)
  const names = new Set(packages.map(({ manifest }) => manifest.name))
  return packages.flatMap((found) => [
    ...manifestFindings(found, names),
    ...readSources(found.folder).flatMap((file) => fileFindings(found, file, names)),
  ])
}

function manifestFindings(found: Package, names: ReadonlySet<string>): string[] {
  const { manifest, path } = found
  const declared = (fields: readonly (keyof Manifest)[]): string[] =>
    fields.flatMap((field) => Object.keys(manifest[field] ?? {})).filter((name) => names.has(name))
  const run = declared(['dependencies', 'optionalDependencies', 'peerDependencies'])
  const test = declared(['devDependencies'])
  return [
    ...run
      .filter((name) => !mayUse(found, name))
      .map((name) => `${path}/package.json: may not depend on ${name}`),
    ...test
      .filter((name) => !mayUse(found, name) && !testsMayUse.includes(name))
      .map((name) => `${path}/package.json: may not depend on ${name}, not even for tests`),
  ]
}

function fileFindings(found: Package, file: SourceFile, names: ReadonlySet<string>): string[] {
  const where = `${found.path}/${file.path}`
  return file.imports.flatMap((specifier) => {
    const problem = importProblem(found, file, specifier, names)
    return problem === null ? [] : [`${where}: ${problem}`]
  })
}

function importProblem(
  found: Package,
  file: SourceFile,
  specifier: string,
  names: ReadonlySet<string>,
): string | null {
  if (isBuiltin(specifier)) return null
  if (/^\.{0,2}\//.test(specifier)) {
    const target = relative(found.folder, join(found.folder, dirname(file.path), specifier))
    const outside = specifier.startsWith('/') || target.startsWith('..')
    return outside ? `${specifier} leaves the package: import the other package by its name` : null
  }
  const name = packageOf(specifier)
  if (name === found.manifest.name) return null
  if (names.has(name) && !mayUse(found, name) && !(file.forTests && testsMayUse.includes(name))) {
    return `may not import ${name}`
  }
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = found.manifest
  if (name in { ...dependencies, ...optionalDependencies, ...peerDependencies }) return null
  if (!(name in { ...devDependencies })) return `imports ${name}, which its package.json does not declare`
  // Types of the runtime are needed to check, never to run.
  if (file.forTests || name === 'bun-types') return null
  return `imports ${name}, which is only a devDependency`
}

function mayUse({ path }: Package, name: string): boolean {
  const [group = '', own = ''] = path.split('/')
  const rule = boundaryRules.find(({ packages }) => packages === path || packages === `${group}/*`)
  return rule?.mayUse.some((allowed) => allowed.replace('$', own) === name) ?? false
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function isBuiltin(specifier: string): boolean {
  return /^(node|bun):/.test(specifier) || specifier === 'bun' || builtinModules.includes(specifier)
}
