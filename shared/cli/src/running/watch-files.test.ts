import { describe, expect, test } from 'bun:test'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@shared/postgres/testing'
import { createWorkspace } from '../../test/workspace-fixture.ts'
import type { Service } from '../workspace/services.ts'
import { type Later, matters, watchFiles } from './watch-files.ts'

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

/** Two services that share a folder, and nothing else. */
function createServices() {
  const workspace = createWorkspace(
    {},
    { 'shared/src/a.ts': '1', 'services/auth/a.ts': '1', 'services/cart/a.ts': '1' },
  )
  const path = (name: string): string => join(workspace.root, name)
  const services = ['auth', 'cart'].map(
    (name): Service => ({
      service: name,
      database: `${name}_db`,
      port: 1,
      folder: path(`services/${name}`),
      schemaFolder: path(`services/${name}`),
      sourceFolders: [path(`services/${name}`), path('shared')],
    }),
  )
  return { path, services, [Symbol.dispose]: () => workspace[Symbol.dispose]() }
}

// Each in a workspace of its own: an event that comes late belongs to no other change.
test.each<[string, string[], (path: (name: string) => string) => void]>([
  ['a file is written', ['cart'], (path) => writeFileSync(path('services/cart/a.ts'), '2')],
  [
    'an editor replaces a file',
    ['auth'],
    (path) => {
      writeFileSync(path('services/auth/.a.ts.tmp'), '2')
      renameSync(path('services/auth/.a.ts.tmp'), path('services/auth/a.ts'))
    },
  ],
  [
    'what both use is written beside a new folder',
    ['auth', 'cart'],
    (path) => {
      mkdirSync(path('shared/src/new'))
      writeFileSync(path('shared/src/a.ts'), '2')
    },
  ],
  ['a folder is removed', ['cart'], (path) => rmSync(path('services/cart'), { recursive: true })],
])('one report names every service that uses what changed when %s', async (_what, expected, change) => {
  using world = createServices()
  const seen: string[][] = []
  using _watching = watchFiles(world.services, (names) => void seen.push([...names].sort()))
  change(world.path)
  await eventually(() => seen.length > 0)
  expect(seen[0]).toEqual(expected)
})

test('a burst of changes is one report once it is over, and none after the end', async () => {
  using world = createServices()
  const seen: string[][] = []
  let events = 0
  const due = new Set<{ run: () => void }>()
  const later: Later = (run) => {
    events += 1
    const entry = { run }
    due.add(entry)
    return () => void due.delete(entry)
  }
  {
    using _watching = watchFiles(world.services, (names) => void seen.push([...names]), later)
    for (const name of ['b', 'c', 'd']) writeFileSync(world.path(`services/cart/${name}.ts`), '1')
    await eventually(() => events >= 3)
    expect({ due: due.size, seen }).toEqual({ due: 1, seen: [] })
    for (const { run } of due) run()
    expect(seen).toEqual([['cart']])
    writeFileSync(world.path('services/auth/a.ts'), '2')
    const before = events
    await eventually(() => events > before)
  }
  expect(due.size).toBe(0)
})
