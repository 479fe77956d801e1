import { expect, test } from 'bun:test'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createWorkspace, type WorkspaceFixture } from '../../test/workspace-fixture.ts'
import { ensureInstalled } from './install.ts'

/** A workspace whose packages need nothing but each other, locked and not installed. */
function createLocked(): WorkspaceFixture {
  const manifests = {
    'shared/a': { name: '@shared/a', version: '1.0.0' },
    'shared/b': { name: '@shared/b', version: '1.0.0', dependencies: { '@shared/a': 'workspace:*' } },
  }
  const workspace = createWorkspace(manifests, {})
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, 'install', '--linker=isolated'], {
    cwd: workspace.root,
  })
  if (exitCode !== 0) throw new Error(stderr.toString())
  rmSync(join(workspace.root, 'node_modules'), { recursive: true, force: true })
  rmSync(join(workspace.root, 'shared/b/node_modules'), { recursive: true, force: true })
  return workspace
}

test('what is missing is installed once', async () => {
  using workspace = createLocked()
  const { root } = workspace
  const outcomes = [await ensureInstalled(root), await ensureInstalled(root)]
  expect({ outcomes, link: existsSync(join(root, 'shared/b/node_modules/@shared/a')) }).toEqual({
    outcomes: ['installed', 'ready'],
    link: true,
  })
})

test('a changed manifest and a removed folder are noticed', async () => {
  using workspace = createLocked()
  const { root } = workspace
  await ensureInstalled(root)
  rmSync(join(root, 'shared/b/node_modules'), { recursive: true })
  expect([await ensureInstalled(root), await ensureInstalled(root)]).toEqual(['installed', 'ready'])
  const manifest = { name: '@shared/a', version: '1.0.0', description: 'changed' }
  writeFileSync(join(root, 'shared/a/package.json'), JSON.stringify(manifest))
  expect([await ensureInstalled(root), await ensureInstalled(root)]).toEqual(['installed', 'ready'])
})

test('what cannot be installed fails, and works again once it is fixed', async () => {
  using workspace = createLocked()
  const { root } = workspace
  const write = (manifest: object): void =>
    writeFileSync(join(root, 'shared/a/package.json'), JSON.stringify(manifest))
  write({ name: '@shared/a', version: '1.0.0', dependencies: { '@shared/nowhere': 'workspace:*' } })
  expect(await ensureInstalled(root)).toBe('failed')
  write({ name: '@shared/a', version: '1.0.0' })
  expect(await ensureInstalled(root)).toBe('installed')
})

test('two commands at once do not trip over each other', async () => {
  using workspace = createLocked()
  const program = `const { ensureInstalled } = await import(${JSON.stringify(join(import.meta.dir, 'install.ts'))})
process.stdout.write(await ensureInstalled(${JSON.stringify(workspace.root)}))`
  const run = async (): Promise<string> => {
    const child = Bun.spawn([process.execPath, '-e', program], { stderr: 'pipe' })
    return `${await child.stdout.text()} ${(await child.stderr.text()).match(/installing/g)?.length ?? 0}`
  }
  const outcomes = await Promise.all([run(), run(), run()])
  expect(outcomes.filter((outcome) => outcome === 'installed 1')).toHaveLength(1)
  expect(outcomes.filter((outcome) => outcome === 'installed 0' || outcome === 'ready 0')).toHaveLength(2)
})
