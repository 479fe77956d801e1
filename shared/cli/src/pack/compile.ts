import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { repositoryRoot } from '../workspace/packages.ts'

/** What `compile` needs. */
export interface Compilation {
  /** Every source file to compile, absolute: what they import of other packages is compiled only where it is named here. */
  readonly files: readonly string[]
  /** Where the output goes: a file at `shared/pool/src/a.ts` becomes `pool/src/a.js` and `a.d.ts` there. */
  readonly folder: string
}

/** The folder below which all published packages lie. */
const sourceRoot = join(repositoryRoot, 'shared')

/** What Node 20 has, in its language and in its library: what is newer, or Bun's, does not compile. */
const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2023', 'ES2024.String'],
  module: 'NodeNext',
  moduleDetection: 'force',
  types: ['node'],
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  rewriteRelativeImportExtensions: true,
  declaration: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
}

/**
 * Compiles TypeScript to modules for Node and declarations beside them.
 *
 * @returns Where the output of a source file is, without its extension.
 * @throws {Error} with what the compiler reports.
 */
export async function compile({ files, folder }: Compilation): Promise<(source: string) => string> {
  mkdirSync(join(folder, 'types'), { recursive: true })
  const require = createRequire(import.meta.url)
  // Under its own name, because others refer to it by that: the workspace itself has the types of a newer Node.
  symlinkSync(dirname(require.resolve('types-node-20/package.json')), join(folder, 'types', 'node'), 'dir')
  const project = join(folder, 'tsconfig.json')
  const options = {
    ...compilerOptions,
    rootDir: sourceRoot,
    outDir: join(folder, 'out'),
    typeRoots: [join(folder, 'types')],
  }
  writeFileSync(project, JSON.stringify({ compilerOptions: options, files }))
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
  const running = Bun.spawn([process.execPath, compiler, '-p', project, '--pretty', 'false'], {
    cwd: repositoryRoot,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, exitCode] = await Promise.all([
    running.stdout.text(),
    running.stderr.text(),
    running.exited,
  ])
  if (exitCode !== 0) throw new Error(`The packages do not compile for Node 20:\n${out}${err}`)
  return (source) => join(folder, 'out', relative(sourceRoot, source).replace(/\.ts$/, ''))
}
