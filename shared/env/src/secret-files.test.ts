import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIssues } from './issues.ts'
import { readSecretFiles } from './secret-files.ts'
import { serviceTable } from './service-variables.ts'

let folder: string
const table = serviceTable({ service: 'auth', database: 'auth_db', port: 8001 })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-files-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function read(environment: Record<string, string | undefined>) {
  const issues = createIssues()
  readSecretFiles(table, environment, issues)
  return { environment, issues: issues.list([]) }
}

describe('a secret given as a file', () => {
  test.each([
    ['one line break', 'pw\n', 'pw'],
    ['several', 'pw\n\n\n', 'pw'],
    ['Windows line breaks', 'pw\r\n', 'pw'],
    ['none', 'pw', 'pw'],
    ['spaces, which belong to it', ' pw \n', ' pw '],
    ['a dollar sign, which is not expanded', 'p$HOME\n', 'p$HOME'],
    ['a byte order mark', '\ufeffpw\n', 'pw'],
  ])('is read without its trailing line breaks: %s', (_, content, value) => {
    expect(read({ DATABASE_PASSWORD_FILE: file('password', content) })).toEqual({
      environment: { DATABASE_PASSWORD: value },
      issues: [],
    })
  })

  test('is an error beside the variable itself', () => {
    const path = file('both', 'canary')
    expect(read({ DATABASE_URL: 'canary', DATABASE_URL_FILE: path }).issues).toEqual([
      { variable: 'DATABASE_URL', message: 'and DATABASE_URL_FILE are both set: keep one of them' },
    ])
  })

  test('is an issue that names the file when it is missing, empty, no file, too large or not text', () => {
    mkdirSync(join(folder, 'directory'))
    const paths = {
      missing: join(folder, 'missing'),
      empty: file('empty', ''),
      blank: file('blank', '\n\r\n'),
      directory: join(folder, 'directory'),
      below: join(file('plain', 'x'), 'below'),
      large: file('large', 'canary'.repeat(20_000)),
      binary: file('binary', new Uint8Array([0x63, 0x61, 0xff, 0xfe])),
    }
    const messages = Object.fromEntries(
      Object.entries(paths).map(([kind, path]) => [
        kind,
        read({ DATABASE_PASSWORD_FILE: path }).issues[0]?.message.replace(folder, '.'),
      ]),
    )
    expect(messages).toEqual({
      missing: 'DATABASE_PASSWORD_FILE names ./missing, which does not exist',
      empty: 'DATABASE_PASSWORD_FILE names ./empty, which is empty',
      blank: 'DATABASE_PASSWORD_FILE names ./blank, which is empty',
      directory: 'DATABASE_PASSWORD_FILE names ./directory, which is not a regular file',
      below: 'DATABASE_PASSWORD_FILE names ./plain/below, which does not exist',
      large: 'DATABASE_PASSWORD_FILE names ./large, which is larger than 64 KiB',
      binary: 'DATABASE_PASSWORD_FILE names ./binary, which is not UTF-8 text',
    })
  })

  test.each(['hunter2', 'postgres://u:hunter2@db/auth_db', '/hunter2@#!'])(
    'is not named when %j was put where the path belongs',
    (mistake) => {
      const { issues } = read({ DATABASE_URL_FILE: mistake })
      expect(issues).toMatchObject([
        { variable: 'DATABASE_URL', message: expect.stringContaining('does not look like a path') },
      ])
      expect(JSON.stringify(issues)).not.toContain('hunter2')
    },
  )

  test('exists for secrets only', () => {
    const environment = { DATABASE_HOST_FILE: file('host', 'db') }
    expect(read({ ...environment })).toEqual({ environment, issues: [] })
  })
})
