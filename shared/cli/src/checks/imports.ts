import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** A file of a package and what it imports. */
export interface SourceFile {
  /** From the package's folder, with `/`. */
  readonly path: string
  /** Whether it is a test, or only there for tests and measurements: these may use devDependencies. */
  readonly forTests: boolean
  /** Every specifier: static, type-only, re-exported, dynamic, `require` and `import.meta.resolve`. */
  readonly imports: readonly string[]
}

const skipped = new Set(['node_modules', '.data', 'migrations'])

/** Reads every TypeScript and JavaScript file of a package. */
export function readSources(folder: string): SourceFile[] {
  return listFiles(folder).map((file) => {
    const path = relative(folder, file).replaceAll('\\', '/')
    return { path, forTests: isForTests(path), imports: readImports(readFileSync(file, 'utf8')) }
  })
}

/** Tests, benchmarks, test kits, and configuration files of tools. */
function isForTests(path: string): boolean {
  return /(^|\/)(test|tests|bench|testing)\/|\.(test|bench|config)\.[cm]?[jt]sx?$/.test(path)
}

/** The specifiers a file imports, in any way but one: a type written `import('x').T`. */
export function readImports(source: string): string[] {
  const transpiler = new Bun.Transpiler({ loader: 'tsx', trimUnusedImports: false })
  try {
    const found = transpiler.scanImports(asValueImports(source)).map(({ path }) => path)
    // For JSX the scanner adds React's runtime, whatever the pragma says: what was written is in the text.
    return [...new Set(found)].filter((path) => source.includes(path))
  } catch {
    // What does not parse is for the type checker to report.
    return []
  }
}

/** The scanner drops type-only imports as the compiler would, but they tie packages together all the same. */
function asValueImports(source: string): string {
  return source
    .replace(/\bimport\s+type\s+(?=[\w{*])(?!from\b)/g, 'import ')
    .replace(/\bexport\s+type\s+(?=[{*])/g, 'export ')
    .replace(/([{,]\s*)type\s+(?=[\w$])/g, '$1')
    .replace(/\bimport\.meta\.resolve\(/g, 'import(')
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : listFiles(path)
    return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : []
  })
}
