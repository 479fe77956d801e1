import { describe, expect, test } from 'bun:test'
import { checkBoundaries } from '../src/checks/boundaries.ts'
import { repositoryRoot } from '../src/workspace/packages.ts'
import { createWorkspace } from './workspace-fixture.ts'

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

function findings(files: Record<string, string>, changed: Record<string, object> = {}): string[] {
  using workspace = createWorkspace({ ...manifests, ...changed }, files)
  return checkBoundaries(workspace.root)
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
