import { describe, expect, test } from 'bun:test'
import { createWorkspace } from '../../test/workspace-fixture.ts'
import { checkBoundaries } from './boundaries.ts'
import type { RoomRules } from './boundary-rules.ts'
import { countPackages } from './numbers.ts'

const manifests = { 'shared/house': { name: '@shared/house' } }
const none = { packages: [], testsMayUse: [], rooms: {}, npm: [], standalone: [] }

/** Paths and findings are from the package's folder. */
const inHouse = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, source]) => [`shared/house/${path}`, source]))

describe('the rooms of a package', () => {
  const house = {
    'src/index.ts': "export { a } from './upper/a.ts'",
    'src/upper/a.ts': "import { b } from '../lower/b.ts'",
    'src/lower/b.ts': '',
  }
  const houseRules: RoomRules = { src: ['src/upper'], 'src/upper': ['src/lower'], 'src/lower': [] }

  function findings(files: Record<string, string>, rules = houseRules): string[] {
    using workspace = createWorkspace(manifests, inHouse({ ...house, ...files }))
    return checkBoundaries(workspace.root, { ...none, rooms: { 'shared/house': rules } })
  }

  test('import in the directions of their rules, and their tests in any', () => {
    const fromTest = "import '../src/index.ts'\nimport '../src/lower/b.ts'"
    expect(findings({ 'src/lower/b.test.ts': "import '../upper/a.ts'", 'test/kit.ts': fromTest })).toEqual([])
  })

  test.each([
    ['against the direction', 'src/lower/c.ts', "import { a } from '../upper/a.ts'", 'src/upper'],
    ['of a type', 'src/lower/c.ts', "import type { A } from '../upper/a.ts'", 'src/upper'],
    ['that is re-exported', 'src/lower/c.ts', "export type { A } from '../upper/a.ts'", 'src/upper'],
    ['that is dynamic', 'src/lower/c.ts', "await import('../upper/a.ts')", 'src/upper'],
    ['past a room', 'src/main.ts', "import { b } from './lower/b.ts'", 'src/lower'],
    ['of the folder above', 'src/upper/c.ts', "import '../index.ts'", 'src'],
    ['of what is for tests', 'src/upper/c.ts', "import '../../test/kit.ts'", 'test'],
    ['of data', 'src/upper/c.ts', "import data from '../../package.json'", '.'],
  ])('are found by an import %s', (_what, path, source, target) => {
    const room = path.slice(0, path.lastIndexOf('/'))
    const specifier = source.split("'")[1]
    expect(findings({ [path]: source })).toEqual([
      `shared/house/${path}: ${room} may not import ${target} (${specifier})`,
    ])
  })

  test('are single files too, where a rule names them', () => {
    const files = { 'src/errors.ts': '', 'src/lower/c.ts': "import type { E } from '../errors.ts'" }
    const rules = { ...houseRules, 'src/lower': ['src/errors.ts'], 'src/errors.ts': [] }
    expect(findings(files, rules)).toEqual([])
    expect(findings({ ...files, 'src/errors.ts': "import './upper/a.ts'" }, rules)).toEqual([
      'shared/house/src/errors.ts: src/errors.ts may not import src/upper (./upper/a.ts)',
    ])
    expect(findings(files)).toEqual([
      'shared/house/src/lower/c.ts: src/lower may not import src (../errors.ts)',
    ])
  })

  test('are found where a folder with code has no rule', () => {
    expect(findings({ 'src/attic/c.ts': '', 'src/lower/testing/kit.ts': '' })).toEqual([
      'shared/house: its rules do not name the room src/attic',
    ])
  })

  test('are found where a rule names a room that does not exist', () => {
    expect(findings({}, { ...houseRules, 'src/attic': [], 'src/lower': ['src/cellar'] })).toEqual([
      'shared/house: its rules name the room src/attic, which does not exist',
      'shared/house: its rules name the room src/cellar, which does not exist',
    ])
  })

  test('are found where the rules themselves allow a circle', () => {
    expect(findings({}, { ...houseRules, 'src/lower': ['src'] })).toEqual([
      'shared/house: its rules let rooms import in a circle: src → src/upper → src/lower → src',
    ])
  })
})

describe('files of a package', () => {
  function findings(files: Record<string, string>): string[] {
    using workspace = createWorkspace(manifests, inHouse(files))
    return checkBoundaries(workspace.root, none)
  }

  test('that import the same file from two sides are no circle', () => {
    const files = { 'a.ts': "import './b.ts'\nimport './c.ts'", 'b.ts': "import './c.ts'", 'c.ts': '' }
    expect(findings(files)).toEqual([])
  })

  test.each([
    ['at run time', "import { a } from './a.ts'"],
    ['by a type', "import type { A } from './a.ts'"],
    ['by an inline type', "import { type A } from './a.ts'"],
    ['by a re-export', "export * from './a.ts'"],
    ['late', "const { a } = await import('./a.ts')"],
    ['without the ending of the name', "import { a } from './a'"],
  ])('are found where they import each other in a circle that closes %s', (_what, source) => {
    const files = { 'a.ts': "import './b.ts'", 'b.ts': "import type { C } from './c.ts'", 'c.ts': source }
    expect(findings(files)).toEqual([
      'shared/house: files import each other in a circle: a.ts → b.ts → c.ts → a.ts',
    ])
  })

  test('are found once for each circle, by the shortest way, and among tests as well', () => {
    const files = {
      'src/a.ts': "import './b.ts'\nimport './long.ts'",
      'src/b.ts': "import './a.ts'",
      'src/long.ts': "import './b.ts'",
      'src/self.ts': "import './self.ts'",
      'test/a.ts': "import './b.ts'",
      'test/b.ts': "import './a.ts'",
    }
    expect(findings(files)).toEqual([
      'shared/house: files import each other in a circle: src/a.ts → src/b.ts → src/a.ts',
      'shared/house: files import each other in a circle: src/long.ts → src/b.ts → src/a.ts → src/long.ts',
      'shared/house: files import each other in a circle: src/self.ts → src/self.ts',
      'shared/house: files import each other in a circle: test/a.ts → test/b.ts → test/a.ts',
    ])
  })
})

describe('the numbers of a package', () => {
  const count = (files: Record<string, string>) => {
    using workspace = createWorkspace({ ...manifests, 'shared/empty': { name: 'empty' } }, inHouse(files))
    return countPackages(workspace.root)
  }
  const files = {
    'main.ts': "import './src/a.ts'\nimport './src/lower/c.ts'",
    'src/a.ts': "import type { B } from './upper/b.ts'\n\nexport {}\n",
    'src/b.ts': "import './upper/b.ts'",
    'src/upper/b.ts': "import '../lower/c.ts'",
    'src/lower/c.ts': '',
    'src/lower/c.test.ts': "import '../a.ts'\n\n\n\n\ntest()",
  }

  test('are those of its code without its tests', () => {
    expect(count(files)).toEqual([
      {
        path: 'shared/house',
        files: 5,
        lines: 8,
        rooms: 4,
        floors: 4,
        arrows: 4,
        longest: { path: 'src/a.ts', lines: 3 },
      },
    ])
  })

  test('have no floors where rooms import each other in a circle, although no files do', () => {
    const [numbers] = count({ ...files, 'src/lower/d.ts': "import '../b.ts'" })
    expect(numbers).toMatchObject({ rooms: 4, floors: null, arrows: 5 })
  })
})
