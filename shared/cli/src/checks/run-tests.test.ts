import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { repositoryRoot } from '../workspace/packages.ts'
import { defaultWorkers, testPaths } from './run-tests.ts'

test('a service, a path from here and a path from the root become paths from the root', () => {
  const here = join(repositoryRoot, 'shared/env')
  expect(testPaths(['auth', 'src/suggest.test.ts', 'shared/cli'], here)).toEqual([
    './services/auth/',
    './shared/env/src/suggest.test.ts',
    './shared/cli',
  ])
})

test('nothing named is everything', () => {
  expect(testPaths([])).toEqual([])
})

test('what is neither is refused, with the service that was meant', () => {
  expect(() => testPaths(['prodct'])).toThrow('prodct is no service, file or folder, did you mean product?')
})

test('files are shared by a worker for two processors, by four at most, and by one on a server that is given', () => {
  const given = { TEST_DATABASE_ADMIN_URL: 'postgres://postgres@db/postgres' }
  expect(
    [1, 2, 4, 16].map((processors) => [defaultWorkers(processors, {}), defaultWorkers(processors, given)]),
  ).toEqual([
    [1, 1],
    [1, 1],
    [2, 1],
    [4, 1],
  ])
})
