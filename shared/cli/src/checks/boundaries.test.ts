import { describe, expect, test } from 'bun:test'
import { createWorkspace } from '../../test/workspace-fixture.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { checkBoundaries } from './boundaries.ts'
import { type BoundaryRules, boundaryRules } from './boundary-rules.ts'

const any = 'workspace:*'
const service = (name: string) => ({
  name: `@services/${name}`,
  dependencies: { '@shared/service': any, '@shared/env': any, [`@schema/${name}`]: any, hono: '1' },
  devDependencies: { '@shared/postgres': any, 'bun-types': '1' },
})
const manifests = {
  'services/auth': service('auth'),
  'services/cart': service('cart'),
  'drizzle/auth': { name: '@schema/auth', dependencies: { 'drizzle-orm': '1' } },
  'drizzle/cart': { name: '@schema/cart', dependencies: { 'drizzle-orm': '1' } },
  'shared/database': { name: '@shared/database' },
  'shared/env': { name: '@shared/env', dependencies: { '@shared/database': any } },
  'shared/postgres': { name: '@shared/postgres' },
  'shared/service': { name: '@shared/service', dependencies: { '@shared/database': any } },
}

/** Those about packages are this repository's; those about folders are each test's own. */
const packageRules: BoundaryRules = { ...boundaryRules, rooms: {}, npm: [], standalone: [] }

function findings(
  files: Record<string, string>,
  changed: Record<string, object> = {},
  rules: Partial<BoundaryRules> = {},
): string[] {
  using workspace = createWorkspace({ ...manifests, ...changed }, files)
  return checkBoundaries(workspace.root, { ...packageRules, ...rules })
}

test('this repository keeps its boundaries', () => {
  expect(checkBoundaries(repositoryRoot)).toEqual([])
})

describe('an import is fine', () => {
  test.each([
    ['of a shared package', 'services/auth/src/a.ts', "import { serve } from '@shared/service'"],
    ['of the own schema', 'services/auth/src/a.ts', "import type * as schema from '@schema/auth'"],
    ["of a declared package's part", 'services/auth/src/a.ts', "import { x } from 'hono/testing'"],
    ['of a file of the package', 'services/auth/src/routes/a.ts', "import { b } from '../b.ts'"],
    [
      'of a builtin',
      'services/auth/src/a.ts',
      "import 'node:fs'\nimport 'bun:sqlite'\nimport { SQL } from 'bun'",
    ],
    ['of the test kit in a test', 'services/auth/test/a.test.ts', "import '@shared/postgres/testing'"],
    ['of the package itself', 'shared/env/test/a.test.ts', "import '@shared/env'"],
    [
      'that is only a text',
      'services/auth/src/a.ts',
      "const text = \"import x from '@services/cart'\" // import 'y'",
    ],
  ])('%s', (_what, path, source) => {
    expect(findings({ [path]: source })).toEqual([])
  })
})

describe('an import is found', () => {
  const own = 'services/auth/src/a.ts'
  test.each([
    ['of another service', own, "import { x } from '@services/cart'", 'may not import @services/cart'],
    ["of another service's schema", own, "import { x } from '@schema/cart'", 'may not import @schema/cart'],
    [
      'of another schema as a type',
      own,
      "import type { X } from '@schema/cart'",
      'may not import @schema/cart',
    ],
    ['of an inline type', own, "import { type X } from '@schema/cart'", 'may not import @schema/cart'],
    ['that is dynamic', own, "await import('@schema/cart')", 'may not import @schema/cart'],
    ['that is re-exported', own, "export * from '@schema/cart'", 'may not import @schema/cart'],
    ['that is only resolved', own, "import.meta.resolve('@schema/cart')", 'may not import @schema/cart'],
    [
      'in a test, of another schema',
      'services/auth/test/a.test.ts',
      "import '@schema/cart'",
      'may not import @schema/cart',
    ],
    ['of the test kit outside tests', own, "import '@shared/postgres'", 'may not import @shared/postgres'],
    [
      'against the direction',
      'shared/env/src/a.ts',
      "import '@shared/service'",
      'may not import @shared/service',
    ],
    [
      'out of a schema',
      'drizzle/auth/schema.ts',
      "import '@shared/database'",
      'may not import @shared/database',
    ],
    [
      'of a file of another package',
      own,
      "import { x } from '../../cart/src/x.ts'",
      '../../cart/src/x.ts leaves the package: import the other package by its name',
    ],
    ['of what is not declared', own, "import 'zod'", 'imports zod, which its package.json does not declare'],
    [
      'of the own package by its name outside tests',
      'shared/env/src/a.ts',
      "import { x } from '@shared/env'",
      'imports its own package by its name: import the file instead',
    ],
    [
      'of a devDependency outside tests',
      own,
      "import 'left-pad'",
      'imports left-pad, which is only a devDependency',
    ],
  ])('%s', (_what, path, source, problem) => {
    const auth = { ...service('auth'), devDependencies: { '@shared/postgres': any, 'left-pad': '1' } }
    expect(findings({ [path]: source }, { 'services/auth': auth })).toEqual([`${path}: ${problem}`])
  })
})

describe('a manifest is found', () => {
  test('that depends on another service, or on its schema for tests', () => {
    const auth = {
      name: '@services/auth',
      dependencies: { '@services/cart': any, '@schema/auth': any },
      devDependencies: { '@schema/cart': any },
    }
    expect(findings({}, { 'services/auth': auth })).toEqual([
      'services/auth/package.json: may not depend on @services/cart',
      'services/auth/package.json: may not depend on @schema/cart, not even for tests',
    ])
  })

  test('that ships the test kit', () => {
    const env = { name: '@shared/env', dependencies: { '@shared/postgres': any } }
    expect(findings({}, { 'shared/env': env })).toEqual([
      'shared/env/package.json: may not depend on @shared/postgres',
    ])
  })
})

describe('an npm package that is for some folders', () => {
  const database = { name: '@shared/database', dependencies: { postgres: '1', 'drizzle-orm': '1' } }
  const folders = { 'shared/database/src/driver/kept.ts': '', 'shared/database/src/drizzle/kept.ts': '' }
  const npm = [
    { name: 'postgres', onlyIn: ['shared/database/src/driver'] },
    { name: 'drizzle-orm', onlyIn: ['shared/database/src/drizzle', 'services'], typesAnywhere: true },
  ]
  const of = (path: string, source: string): string[] =>
    findings({ ...folders, [path]: source }, { 'shared/database': database }, { npm })

  test.each([
    ['in its folder', 'shared/database/src/driver/a.ts', "import postgres from 'postgres'"],
    ['below its folder', 'shared/database/src/driver/wire/a.ts', "import postgres from 'postgres'"],
    ['in a test', 'shared/database/test/a.test.ts', "import postgres from 'postgres'"],
    ['in a measurement', 'shared/database/bench/a.ts', "import postgres from 'postgres'"],
    ['for its types alone', 'shared/database/src/a.ts', "import type { SQL } from 'drizzle-orm'"],
    ['for types of a part of it', 'shared/database/src/a.ts', "export type { A } from 'drizzle-orm/pg-core'"],
    ['under a name that only begins like it', 'services/auth/src/a.ts', "import { x } from 'hono'"],
  ])('is imported %s', (_what, path, source) => {
    expect(of(path, source)).toEqual([])
  })

  const driver = 'may not import postgres: only shared/database/src/driver may'
  const drizzle = (name: string): string =>
    `may not import more than types of ${name}: only shared/database/src/drizzle, services may`
  test.each([
    ['', "import postgres from 'postgres'", driver],
    ['for its types alone, where these are no exception', "import type { Sql } from 'postgres'", driver],
    ['where it is loaded late', "await import('postgres')", driver],
    ['for more than types', "import { eq, type SQL } from 'drizzle-orm'", drizzle('drizzle-orm')],
    ['as a part of it', "import { PgTable } from 'drizzle-orm/pg-core'", drizzle('drizzle-orm/pg-core')],
  ])('is found elsewhere %s', (_what, source, problem) => {
    const path = 'shared/database/src/drivers/a.ts'
    expect(of(path, source)).toEqual([`${path}: ${problem}`])
  })
})

describe('a package that depends on nothing', () => {
  const of = (source: string, manifest: object = {}, path = 'shared/pool/src/a.ts'): string[] =>
    findings(
      { [path]: source, 'shared/pool/src/b.ts': '' },
      { 'shared/pool': { name: '@shared/pool', ...manifest } },
      { standalone: ['shared/pool'] },
    )

  test('imports its own files and modules of node:, and in tests what tests may', () => {
    expect(of("import { setTimeout } from 'node:timers/promises'\nimport './b.ts'")).toEqual([])
    const devDependencies = { 'fast-check': '1' }
    const source = "import { test } from 'bun:test'\nimport fc from 'fast-check'"
    expect(of(source, { devDependencies }, 'shared/pool/src/a.test.ts')).toEqual([])
  })

  test.each(['bun', 'bun:sqlite', 'fs', 'zod', '@shared/env'])('is found to import %s', (specifier) => {
    expect(of(`import '${specifier}'`)).toEqual([
      `shared/pool/src/a.ts: may not import ${specifier}: shared/pool depends on modules of node: alone`,
    ])
  })

  test('is found to declare a dependency', () => {
    expect(of('', { dependencies: { zod: '1' }, peerDependencies: { hono: '1' } })).toEqual([
      'shared/pool/package.json: may not depend on zod',
      'shared/pool/package.json: may not depend on hono',
    ])
  })
})

test('a rule about a folder that does not exist is found', () => {
  const npm = [{ name: 'postgres', onlyIn: ['shared/database/src/driver'] }]
  expect(findings({}, {}, { npm, rooms: { 'shared/attic': {} }, standalone: ['shared/pool'] })).toEqual([
    'shared/attic: the rules name this folder, which does not exist',
    'shared/pool: the rules name this folder, which does not exist',
    'shared/database/src/driver: the rules name this folder, which does not exist',
  ])
})
