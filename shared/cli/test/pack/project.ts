import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Tarball } from '../../src/pack/pack.ts'
import { withPublishedNames } from '../../src/pack/published-names.ts'
import { type Ended, runTool } from './tools.ts'

/** What `createProject` takes. */
export interface ProjectOptions {
  /** Folder with the project's files, `src` among them; written for the names that packages have in the workspace. */
  readonly sources: string
  readonly tarballs: readonly Tarball[]
  /** The project's other dependencies, by name. */
  readonly dependencies: Readonly<Record<string, string>>
  /** The scope that the tarballs were packed with. */
  readonly scope?: string
  /** Installs what package.json names: a command in the project's folder. */
  readonly install: readonly string[]
  readonly path?: string
}

/** Somebody's project: a folder outside the workspace, with the tarballs installed. */
export interface Project extends Disposable {
  readonly folder: string
  /** Runs a command in the folder. @param limitMs Default: two minutes. */
  run(
    command: readonly string[],
    environment?: Readonly<Record<string, string>>,
    limitMs?: number,
  ): Promise<Ended>
  /** Adds a file, which may name packages as the workspace does. */
  write(path: string, text: string): void
}

/** What a compiler or a package manager may take. */
const longMs = 240_000

/** Compilers that a project may have; the workspace installs them. */
export type Compiler = 'typescript' | 'typescript-5'

const names = ['database', 'env', 'monitor', 'pool', 'service', 'telemetry'].map((name) => `@shared/${name}`)

/** Makes a project and installs its dependencies. @throws {Error} with what the package manager says. */
export async function createProject(options: ProjectOptions): Promise<Project> {
  const { sources, tarballs, dependencies, scope, install, path } = options
  const folder = mkdtempSync(join(tmpdir(), 'project-'))
  const project: Project = {
    folder,
    run: (command, environment, limitMs = 120_000) =>
      runTool(command, {
        cwd: folder,
        environment: { ...(path !== undefined && { PATH: path }), ...environment },
        limitMs,
      }),
    write(file, text) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), scope === undefined ? text : withPublishedNames(text, names, scope))
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
  for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.ts')) project.write(file, readFileSync(join(sources, file), 'utf8'))
  const packed = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]))
  const manifest = { private: true, type: 'module', dependencies: { ...packed, ...dependencies } }
  project.write('package.json', JSON.stringify(manifest, null, 2))
  const { exitCode, stdout, stderr } = await project.run(install, {}, longMs)
  if (exitCode === 0) return project
  project[Symbol.dispose]()
  throw new Error(`${install.join(' ')} failed:\n${stdout}${stderr}`)
}

/** How a project is compiled. */
export interface CompileOptions {
  /** Packages of types that the compiler loads. Default: those of the compiler. */
  readonly types?: readonly string[]
  /** Whether the declarations of all packages are left unchecked, which is much faster. Default false. */
  readonly skipLibCheck?: boolean
}

/**
 * Compiles a project, strictly, to `out`.
 *
 * @param files From the project's folder.
 * @returns The place of each error: `src/main.ts(3,7)`.
 */
export async function compileProject(
  project: Project,
  files: readonly string[],
  compiler: Compiler,
  moduleResolution: 'bundler' | 'nodenext',
  { types, skipLibCheck = false }: CompileOptions = {},
): Promise<string[]> {
  const config = `tsconfig.${compiler}.${moduleResolution}.json`
  const compilerOptions = {
    strict: true,
    skipLibCheck,
    target: 'ES2022',
    module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution,
    rewriteRelativeImportExtensions: true,
    rootDir: '.',
    outDir: 'out',
    types,
  }
  project.write(config, JSON.stringify({ compilerOptions, files }))
  const program = join(
    dirname(createRequire(import.meta.url).resolve(`${compiler}/package.json`)),
    'bin',
    'tsc',
  )
  const { stdout, stderr } = await project.run(
    [process.execPath, program, '-p', config, '--pretty', 'false'],
    {},
    longMs,
  )
  if (stderr !== '') throw new Error(`${compiler} does not run: ${stderr}`)
  return [...stdout.matchAll(/^(\S+\(\d+,\d+\)|error TS\d+): .*$/gm)].map(([, place = '']) => place)
}
