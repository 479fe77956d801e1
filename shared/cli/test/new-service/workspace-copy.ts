import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { repositoryRoot } from '../../src/workspace/packages.ts'
import { serviceNames } from '../../src/workspace/services.ts'
import { type Outcome, shellEnvironment } from '../command-line.ts'

/** A copy of this workspace in a temporary folder, installed and ready to be changed. */
export interface WorkspaceCopy {
  readonly root: string
  /** Runs Bun in it to the end. */
  run(words: readonly string[], environment?: Record<string, string>): Promise<Outcome>
  /** Every file of the copy that git would see, by path, with a hash of its content. */
  fingerprint(): Record<string, string>
  remove(): void
}

/** Not part of what a clone has: installed, generated or private. */
const left = new Set(['node_modules', '.git', '.data', '.secrets', '.env.local'])

/** Copies the work tree and installs it from Bun's cache. */
export async function copyWorkspace(): Promise<WorkspaceCopy> {
  const root = mkdtempSync(join(tmpdir(), 'new-service-'))
  cpSync(repositoryRoot, root, { recursive: true, filter: (source) => !left.has(basename(source)) })
  const run = async (
    words: readonly string[],
    environment: Record<string, string> = {},
  ): Promise<Outcome> => {
    const child = Bun.spawn([process.execPath, ...words], {
      cwd: root,
      env: shellEnvironment(environment),
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stdout, stderr, exitCode] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ])
    return { exitCode, stdout, stderr }
  }
  const copy = {
    root,
    run,
    fingerprint: () => fingerprint(root),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
  const { exitCode, stderr } = await run(['install', '--frozen-lockfile'])
  if (exitCode === 0) return copy
  copy.remove()
  throw new Error(`the copy of the workspace could not be installed:\n${stderr}`)
}

function fingerprint(root: string): Record<string, string> {
  const files = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (left.has(entry.name)) return []
      const path = join(folder, entry.name)
      // An empty folder is left over as well.
      return entry.isDirectory() ? [`${path}/`, ...files(path)] : [path]
    })
  return Object.fromEntries(
    files(root).map((path) => [
      relative(root, path),
      path.endsWith('/') ? 'folder' : Bun.hash(readFileSync(path)).toString(36),
    ]),
  )
}

/** A name for a service that the workspace has not got: `orders` may have been made for good. */
export function freeName(name: string): string {
  const taken = serviceNames()
  return taken.includes(name) ? freeName(`${name}x`) : name
}
