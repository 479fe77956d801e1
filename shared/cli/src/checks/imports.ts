import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** What a file imports. */
export interface Import {
  readonly specifier: string
  /** Whether nothing of it is left at run time. */
  readonly typeOnly: boolean
}

/** A file of a package. */
export interface SourceFile {
  /** From the package's folder, with `/`. */
  readonly path: string
  readonly lines: number
  /** Whether it is a test, or only there for tests and measurements: these may use devDependencies. */
  readonly forTests: boolean
  /** Static, type-only, re-exported, dynamic, `require` and `import.meta.resolve`. */
  readonly imports: readonly Import[]
}

const skipped = new Set(['node_modules', '.data', 'migrations'])

/** Reads every TypeScript and JavaScript file of a package, in order of their paths. */
export function readSources(folder: string): SourceFile[] {
  return listFiles(folder)
    .map((file) => {
      const path = relative(folder, file).replaceAll('\\', '/')
      const source = readFileSync(file, 'utf8')
      const lines = source.trimEnd().split('\n').length
      return { path, lines, forTests: isForTests(path), imports: readImports(source) }
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** Tests, benchmarks, test kits, and configuration files of tools. */
function isForTests(path: string): boolean {
  return /(^|\/)(test|tests|bench|testing)\/|\.(test|bench|config)\.[cm]?[jt]sx?$/.test(path)
}

/** What a file imports, in any way but one: a type written `import('x').T`. */
export function readImports(source: string): Import[] {
  const transpiler = new Bun.Transpiler({ loader: 'tsx', trimUnusedImports: false })
  const scan = (text: string): Set<string> => {
    const found = transpiler.scanImports(text).map(({ path }) => path)
    // For JSX the scanner adds React's runtime in spite of the pragma: only what is in the text was written.
    return new Set(found.filter((path) => source.includes(path)))
  }
  try {
    const atRunTime = scan(source.replace(resolving, 'import('))
    return [...scan(asValueImports(source))].map((specifier) => ({
      specifier,
      typeOnly: !atRunTime.has(specifier),
    }))
  } catch {
    // What does not parse is for the type checker to report.
    return []
  }
}

const resolving = /\bimport\.meta\.resolve\(/g

/** The scanner drops type-only imports as the compiler would, but they tie files and packages together all the same. */
function asValueImports(source: string): string {
  return source
    .replace(/\bimport\s+type\s+(?=[\w{*])(?!from\b)/g, 'import ')
    .replace(/\bexport\s+type\s+(?=[{*])/g, 'export ')
    .replace(/([{,]\s*)type\s+(?=[\w$])/g, '$1')
    .replace(resolving, 'import(')
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : listFiles(path)
    return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : []
  })
}
