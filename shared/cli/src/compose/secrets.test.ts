import { afterEach, beforeEach, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeComposeSecrets } from './secrets.ts'

const names = ['postgres_password', 'database_admin_url', 'auth_app_password']
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'compose-secrets-'))
  const secrets = Object.fromEntries(names.map((name) => [name, { file: `./.secrets/${name}` }]))
  writeFileSync(join(root, 'docker-compose.yml'), Bun.YAML.stringify({ secrets }))
})
afterEach(() => rmSync(root, { recursive: true }))

const file = (name: string): string => join(root, '.secrets', name)
const read = (name: string): string => readFileSync(file(name), 'utf8').trim()

test('writes each secret of docker-compose.yml, long, random, ignored by git and closed to other users', () => {
  expect(writeComposeSecrets(root).sort()).toEqual([...names].sort())
  const mode = (path: string): number => statSync(path).mode & 0o777
  expect({
    folder: mode(join(root, '.secrets')),
    file: mode(file('postgres_password')),
    ignored: read('.gitignore'),
    password: read('postgres_password'),
  }).toEqual({ folder: 0o700, file: 0o444, ignored: '*', password: expect.stringMatching(/^[\w-]{43}$/) })
  expect(read('auth_app_password')).not.toBe(read('postgres_password'))
})

test('keeps what is there and writes what is missing', () => {
  writeComposeSecrets(root)
  const before = names.map(read)
  expect(writeComposeSecrets(root)).toEqual([])
  rmSync(file('auth_app_password'))
  expect(writeComposeSecrets(root)).toEqual(['auth_app_password'])
  expect(names.slice(0, 2).map(read)).toEqual(before.slice(0, 2))
})

test("puts the superuser's password into the admin URL, a new one and one with special characters too", () => {
  writeComposeSecrets(root)
  const password = (): string => decodeURIComponent(new URL(read('database_admin_url')).password)
  expect(password()).toBe(read('postgres_password'))
  rmSync(file('postgres_password'))
  writeComposeSecrets(root)
  expect(password()).toBe(read('postgres_password'))
  chmodSync(file('postgres_password'), 0o644)
  writeFileSync(file('postgres_password'), 'p@ss/w:rd?\n')
  rmSync(file('database_admin_url'))
  writeComposeSecrets(root)
  expect(password()).toBe('p@ss/w:rd?')
})
