import { expect, spyOn, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dir, '..')
const guide = readFileSync(join(folder, 'README.md'), 'utf8')

test('the example of the README prints what the README says', async () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(guide) ?? []
  const [, printed] = /It prints `([^`]+)`/.exec(guide) ?? []
  // Beside this file, where the package's own name leads to it.
  const place = mkdtempSync(join(import.meta.dir, 'example-'))
  const log = spyOn(console, 'log').mockImplementation(() => {})
  try {
    writeFileSync(join(place, 'example.ts'), example)
    await import(join(place, 'example.ts'))
    const output = log.mock.calls.map(([value]) =>
      Bun.inspect(value).replace(/\s+/g, ' ').replace(', }', ' }'),
    )
    expect(output).toEqual([printed as string])
  } finally {
    log.mockRestore()
    rmSync(place, { recursive: true })
  }
})

test('the README says of every file what it is for, and of no other', () => {
  const table = guide.slice(guide.indexOf('## Where to look'), guide.indexOf('## How it is tested'))
  const named = [...table.matchAll(/^\| `([\w-]+\.ts)` \|/gm)].map(([, file]) => file as string)
  const files = readdirSync(join(folder, 'src')).filter(
    (file) => file !== 'index.ts' && !file.endsWith('.test.ts'),
  )
  expect(named.sort()).toEqual(files.sort())
})
