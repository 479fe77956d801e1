import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testPostgres } from '@shared/postgres/testing'
import { createTestDatabase } from '../../src/testing/index.ts'

const read = (path: string) => readFileSync(join(import.meta.dir, path), 'utf8')
const page = read('../../../../docs/use-in-your-project.md')

test('the page shows the difference between the service before and the service after, which is small', () => {
  const diff = (/```diff\n(.*?)```/s.exec(page)?.[1] ?? '').split('\n').slice(0, -1)
  const side = (own: string) =>
    diff
      .flatMap((line) => (line === '' || line[0] === ' ' || line[0] === own ? `${line.slice(1)}\n` : []))
      .join('')
  expect({ before: side('-'), after: side('+') }).toEqual({
    before: read('before/database.ts'),
    after: read('after/database.ts'),
  })
  const count = (sign: string) => diff.filter((line) => line[0] === sign).length
  expect(count('-')).toBeLessThanOrEqual(12)
  expect(count('+')).toBeLessThanOrEqual(12)
  for (const file of ['index.ts', 'schema.ts']) expect(read(`after/${file}`)).toBe(read(`before/${file}`))
})

test('both answer the same requests alike, and stop in order', async () => {
  const { adminUrl: url } = await testPostgres()
  const migration = read('migration.sql')
  const template = { key: migration, prepare: (place: string) => fill(place, migration) }
  const answers: unknown[] = []
  for (const side of ['before', 'after']) {
    await using made = await createTestDatabase({ url, template })
    answers.push(await runService(join(import.meta.dir, side, 'index.ts'), made.url))
  }
  const [before, after] = answers
  expect(before).toMatchObject({ exitCode: 0, answers: { length: 29 } })
  expect(after).toEqual(before)
}, 60_000)

async function fill(url: string, text: string): Promise<void> {
  const { createDatabase } = await import('../../src/index.ts')
  const database = createDatabase({ name: 'fill', url })
  await database.db.execute(text)
  await database.close()
}

/** What the service answers to the same requests, without what is made up by the server, and how it ends. */
async function runService(file: string, url: string) {
  const child = Bun.spawn([process.execPath, file], {
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: url, PORT: '0' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const output = child.stdout.getReader()
  const port = new TextDecoder().decode((await output.read()).value).trim()
  const ask = async (path: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, body: (await response.text()).replace(/"id":"[^"]*"/g, '"id"') }
  }
  try {
    const lamp = { sku: 'lamp', stock: 5, tags: ['warm', 'a "quoted" one'], details: { colour: 'red' } }
    const answers = [
      await ask('/products', lamp),
      await ask('/products', lamp),
      await ask('/products', { sku: 'chair', stock: 'many' }),
      await ask('/products/none'),
      await ask('/products/lamp/orders', { quantity: 2 }),
      await ask('/products/lamp/orders', { quantity: 9 }),
      await ask('/products/lamp/orders', { quantity: null }),
      await ask('/products/lamp'),
    ]
    // More at once than there are connections: three are left, and nobody else gets one.
    const many = await Promise.all(
      Array.from({ length: 20 }, () => ask('/products/lamp/orders', { quantity: 1 })),
    )
    answers.push(...many.sort((one, other) => one.status - other.status), await ask('/products/lamp'))
    child.kill('SIGTERM')
    return { answers, exitCode: await child.exited }
  } finally {
    child.kill('SIGKILL')
  }
}
