import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dir, '..')
const guide = readFileSync(join(import.meta.dir, 'README.md'), 'utf8')
const places = [import.meta.dir, folder, join(folder, '../..')]

/** The rows of the table of ideas: each idea with the tests it names. */
const rows = guide
  .slice(guide.indexOf('| idea | test |'), guide.indexOf('| left out | why |'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| **') && !line.startsWith('| idea'))
  .map((line) => {
    const [, idea = '', cell = ''] = line.split('|').map((part) => part.trim())
    let file = ''
    const tests = [...cell.matchAll(/`([^`]+\.test\.ts)`|\*([^*]+)\*/g)].flatMap(([, named, title]) => {
      file = named ?? file
      return title === undefined ? [] : [{ file, title }]
    })
    return { idea, tests }
  })

/** Tests named in the table that are in no such file, in quotes of a title. */
const missing = (tests: { file: string; title: string }[]) =>
  tests.filter(({ file, title }) => {
    const path = places.map((place) => join(place, file)).find((candidate) => existsSync(candidate))
    const source = path === undefined ? '' : readFileSync(path, 'utf8')
    return !["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`))
  })

test('every test that is named for an idea exists, and every idea names one', () => {
  expect(rows.length).toBeGreaterThan(70)
  expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([])
  expect(missing(rows.flatMap(({ tests }) => tests))).toEqual([])
})

test('a test that does not exist would be found', () => {
  expect(missing([{ file: 'apart.test.ts', title: 'no such test' }])).toHaveLength(1)
  expect(missing([{ file: 'no-such-file.test.ts', title: 'no such test' }])).toHaveLength(1)
})
