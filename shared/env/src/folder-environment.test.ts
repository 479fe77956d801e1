import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFolderEnvironment } from './folder-environment.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-folder-'))
  writeFileSync(
    join(folder, '.env.development'),
    'DATABASE_HOST=127.0.0.1\nDATABASE_PASSWORD=local\nPORT=1\n',
  )
  writeFileSync(join(folder, '.env.local'), 'DATABASE_PASSWORD="p\\$a#b"\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a folder is read as Bun does: .env.local over .env.development, real variables over both', () => {
  const { DATABASE_HOST, DATABASE_PASSWORD, PORT } = readFolderEnvironment(folder, { PORT: '2' })
  expect({ DATABASE_HOST, DATABASE_PASSWORD, PORT }).toEqual({
    DATABASE_HOST: '127.0.0.1',
    DATABASE_PASSWORD: 'p$a#b',
    PORT: '2',
  })
})

test('the local values are left out in production and in tests', () => {
  for (const NODE_ENV of ['production', 'test']) {
    expect(readFolderEnvironment(folder, { NODE_ENV })).not.toHaveProperty('DATABASE_HOST')
  }
})

test('a folder that does not exist is an error', () => {
  expect(() => readFolderEnvironment(join(folder, 'nowhere'), {})).toThrow()
})
