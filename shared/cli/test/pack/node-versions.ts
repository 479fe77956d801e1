import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryRoot } from '../../src/workspace/packages.ts'
import { runTool } from './tools.ts'

/** A folder with Node and npm, and without Bun: the PATH of a machine that has no other. */
export interface NodeMachine extends Disposable {
  readonly path: string
  readonly node: string
}

/** The Nodes that everything is tried on, beside the one of this machine. */
const versions = ['22.23.3', '24.21.0'] as const

/** The later Nodes, which npm installs where they are missing. */
export function provideNodes(): Promise<string[]> {
  return Promise.all(versions.map(provide))
}

/** The `node` of this machine. */
export function ownNode(): string {
  const node = Bun.which('node')
  if (!node) throw new Error('There is no node on the PATH: install Node 20.11 or later to run these tests.')
  return node
}

/** Makes the PATH of a machine with nothing but a Node and npm. */
export function machineWith(node: string): NodeMachine {
  const npm = Bun.which('npm')
  if (!npm) throw new Error('There is no npm on the PATH: install it to run these tests.')
  const path = mkdtempSync(join(tmpdir(), 'machine-'))
  symlinkSync(realpathSync(node), join(path, 'node'))
  symlinkSync(realpathSync(npm), join(path, 'npm'))
  return { path, node: join(path, 'node'), [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

async function provide(version: string): Promise<string> {
  const folder = join(repositoryRoot, '.data', 'node', version)
  // The program itself: the package `node` would install this one by a script, a second time and without npm's cache.
  const name = `node-${process.platform}-${process.arch}`
  const node = join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(node)) return node
  mkdirSync(folder, { recursive: true })
  const options = ['--prefer-offline', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund']
  const { stderr, exitCode } = await runTool(
    ['npm', 'install', '--prefix', folder, ...options, `${name}@${version}`],
    { cwd: tmpdir(), limitMs: 240_000 },
  )
  if (exitCode !== 0 || !existsSync(node))
    throw new Error(`Node ${version} could not be installed: ${stderr}`)
  return node
}
