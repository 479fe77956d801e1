import { describe, expect, test } from 'bun:test'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@shared/postgres/testing'
import { createWorkspace } from '../../test/workspace-fixture.ts'
import type { Service } from '../workspace/services.ts'
import { matters, watchFiles } from './watch-files.ts'

describe('a change matters', () => {
  test.each([
    'src/app.ts',
    'schema.ts',
    '.env.local',
    '.env',
    'package.json',
    'src/new/deep.tsx',
    'migrations/meta/_journal.json',
  ])('of %s', (file) => {
    expect(matters(file)).toBe(true)
  })
})

describe('a change does not matter', () => {
  test.each([
    'test/app.test.ts',
    'src/app.test.ts',
    'src/testing/index.ts',
    'README.md',
    '.env.example',
    'node_modules/hono/index.ts',
    'migrations/meta/0001_snapshot.json',
    'migrations/0001_add.sql',
    'src/app.ts.swp',
  ])('of %s', (file) => {
    expect(matters(file)).toBe(false)
  })
})

test('one report names every service that uses what changed, also when an editor replaces the file or a folder is removed', async () => {
  using workspace = createWorkspace(
    {},
    { 'shared/src/a.ts': '1', 'services/auth/a.ts': '1', 'services/cart/a.ts': '1' },
  )
  const folder = (name: string): string => join(workspace.root, name)
  const service = (name: string): Service => ({
    service: name,
    database: `${name}_db`,
    port: 1,
    folder: folder(`services/${name}`),
    schemaFolder: folder(`services/${name}`),
    sourceFolders: [folder(`services/${name}`), folder('shared')],
  })
  const seen: string[][] = []
  using _watching = watchFiles(
    [service('auth'), service('cart')],
    (names) => void seen.push([...names].sort()),
  )
  const reported = (count: number) => eventually(() => seen.length === count)

  writeFileSync(folder('services/cart/a.ts'), '2')
  await reported(1)
  writeFileSync(folder('services/auth/.a.ts.tmp'), '2')
  renameSync(folder('services/auth/.a.ts.tmp'), folder('services/auth/a.ts'))
  await reported(2)
  mkdirSync(folder('shared/src/new'))
  writeFileSync(folder('shared/src/a.ts'), '2')
  await reported(3)
  rmSync(folder('services/cart'), { recursive: true })
  await reported(4)
  expect(seen).toEqual([['cart'], ['auth'], ['auth', 'cart'], ['cart']])
})
