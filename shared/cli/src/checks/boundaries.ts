import { existsSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type Manifest, type Package, readPackages } from '../workspace/packages.ts'
import { type BoundaryRules, boundaryRules } from './boundary-rules.ts'
import { type Import, readSources, type SourceFile } from './imports.ts'
import { circleFindings, roomFindings } from './rooms.ts'

interface Workspace {
  readonly rules: BoundaryRules
  /** Of its packages. */
  readonly names: ReadonlySet<string>
}

/**
 * Checks every import and every manifest of a workspace: that they keep the rules, that an import stays in its package
 * or names a declared dependency, and that no files of a package import each other in a circle.
 *
 * @returns A line for each finding.
 */
export function checkBoundaries(root: string, rules = boundaryRules): string[] {
  const packages = readPackages(root)
  const workspace = { rules, names: new Set(packages.map(({ manifest }) => manifest.name)) }
  return [
    ...staleRules(root, rules),
    ...packages.flatMap((found) => {
      const files = readSources(found.folder)
      const rooms = rules.rooms[found.path]
      return [
        ...manifestFindings(found, workspace),
        ...files.flatMap((file) => fileFindings(found, file, workspace)),
        ...(rooms === undefined ? [] : roomFindings(found.path, files, rooms)),
        ...circleFindings(found.path, files),
      ]
    }),
  ]
}

/** A rule about a folder that was renamed or removed would hold for nothing, and nobody would notice. */
function staleRules(root: string, { rooms, npm, standalone }: BoundaryRules): string[] {
  const folders = new Set([...Object.keys(rooms), ...standalone, ...npm.flatMap(({ onlyIn }) => onlyIn)])
  return [...folders]
    .filter((folder) => !existsSync(join(root, folder)))
    .map((folder) => `${folder}: the rules name this folder, which does not exist`)
}

function manifestFindings(found: Package, { rules, names }: Workspace): string[] {
  const { manifest, path } = found
  const declared = (fields: readonly (keyof Manifest)[]): string[] =>
    fields.flatMap((field) => Object.keys(manifest[field] ?? {}))
  const run = declared(['dependencies', 'optionalDependencies', 'peerDependencies'])
  const test = declared(['devDependencies'])
  const isForbidden = (name: string): boolean => names.has(name) && !mayUse(found, name, rules)
  return [
    ...run
      .filter((name) => isForbidden(name) || rules.standalone.includes(path))
      .map((name) => `${path}/package.json: may not depend on ${name}`),
    ...test
      .filter((name) => isForbidden(name) && !rules.testsMayUse.includes(name))
      .map((name) => `${path}/package.json: may not depend on ${name}, not even for tests`),
  ]
}

function fileFindings(found: Package, file: SourceFile, workspace: Workspace): string[] {
  const where = `${found.path}/${file.path}`
  return file.imports.flatMap((imported) => {
    const problem = importProblem(found, file, imported, workspace)
    return problem === null ? [] : [`${where}: ${problem}`]
  })
}

function importProblem(
  found: Package,
  file: SourceFile,
  imported: Import,
  { rules, names }: Workspace,
): string | null {
  const { specifier } = imported
  if (/^\.{0,2}\//.test(specifier)) {
    const target = relative(found.folder, join(found.folder, dirname(file.path), specifier))
    const outside = specifier.startsWith('/') || target.startsWith('..')
    return outside ? `${specifier} leaves the package: import the other package by its name` : null
  }
  if (rules.standalone.includes(found.path) && !file.forTests) {
    if (specifier.startsWith('node:')) return null
    return `may not import ${specifier}: ${found.path} depends on modules of node: alone`
  }
  if (isBuiltin(specifier)) return null
  const name = packageOf(specifier)
  if (name === found.manifest.name) {
    return file.forTests ? null : 'imports its own package by its name: import the file instead'
  }
  if (
    names.has(name) &&
    !mayUse(found, name, rules) &&
    !(file.forTests && rules.testsMayUse.includes(name))
  ) {
    return `may not import ${name}`
  }
  return npmProblem(found, file, imported, rules) ?? declarationProblem(found, file, name)
}

/** Whether only other folders may import this npm package. */
function npmProblem(
  found: Package,
  file: SourceFile,
  { specifier, typeOnly }: Import,
  { npm }: BoundaryRules,
): string | null {
  const rule = npm.find(({ name }) => name === packageOf(specifier))
  if (rule === undefined || file.forTests || (rule.typesAnywhere && typeOnly)) return null
  const path = `${found.path}/${file.path}`
  if (rule.onlyIn.some((folder) => path.startsWith(`${folder}/`))) return null
  const what = rule.typesAnywhere ? `more than types of ${specifier}` : specifier
  return `may not import ${what}: only ${rule.onlyIn.join(', ')} may`
}

function declarationProblem({ manifest }: Package, file: SourceFile, name: string): string | null {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = manifest
  if (name in { ...dependencies, ...optionalDependencies, ...peerDependencies }) return null
  if (!(name in { ...devDependencies })) return `imports ${name}, which its package.json does not declare`
  // Types of the runtime are needed to check, never to run.
  if (file.forTests || name === 'bun-types') return null
  return `imports ${name}, which is only a devDependency`
}

function mayUse({ path }: Package, name: string, rules: BoundaryRules): boolean {
  const [group = '', own = ''] = path.split('/')
  const rule = rules.packages.find(({ packages }) => packages === path || packages === `${group}/*`)
  return rule?.mayUse.some((allowed) => allowed.replace('$', own) === name) ?? false
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function isBuiltin(specifier: string): boolean {
  return /^(node|bun):/.test(specifier) || specifier === 'bun' || builtinModules.includes(specifier)
}
