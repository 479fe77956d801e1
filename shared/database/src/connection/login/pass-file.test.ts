import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConnectError } from '@shared/pool'
import { parseTarget } from '../target.ts'
import { findPassword } from './pass-file.ts'
import { readPassword } from './password.ts'

const find = (text: string, host = 'db', port = 5432, database = 'd', user = 'u') =>
  findPassword(text, { host: { name: host, port }, database, user })

describe('findPassword', () => {
  test('takes the first line that fits host, port, database and user, where * stands for any', () => {
    const file = ['# db:5432:d:u:comment', 'other:*:*:*:1', 'db:5433:*:*:2', 'db:*:d:u:3', '*:*:*:*:4'].join(
      '\n',
    )
    expect([
      find(file),
      find(file, 'db', 5433),
      find(file, 'other'),
      find(file, 'db', 5432, 'd', 'somebody'),
    ]).toEqual(['3', '2', '1', '4'])
    expect(find('db:5432:d:somebody:x\nnonsense\n\n')).toBeUndefined()
  })

  test('reads \\ before : and \\, ends the password at the next :, and takes line breaks of Windows', () => {
    expect([
      find('db:5432:d:u:a\\:b\\\\c\r\n'),
      find('\\:\\:1:*:*:*:p', '::1'),
      find('db:*:*:*:a:b'),
      find('/run/pg:*:*:*:s', '/run/pg'),
      find('db:*:*:*:'),
    ]).toEqual(['a:b\\c', 'p', 'a', 's', ''])
  })
})

describe('readPassword with a passFile', () => {
  let folder: string
  let file: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pass-file-'))
    file = join(folder, 'pgpass')
    writeFileSync(file, 'db:*:d:u:of-the-file\n', { mode: 0o600 })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const read = (url: string, path = file) => {
    const target = parseTarget(url)
    return readPassword(target, target.hosts[0], path)
  }
  const problem = async (work: Promise<string>) => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return error instanceof ConnectError
      ? `${error.driverCode} ${error.retryable} ${error.message}`
      : String(error)
  }

  test('gives the password for the host where the string has none', async () => {
    expect([await read('postgres://u@db/d'), await read('postgres://u:own@db/d')]).toEqual([
      'of-the-file',
      'own',
    ])
  })

  test('says what is wrong with the file, and reads none that others may read', async () => {
    expect(await problem(read('postgres://other@db/d'))).toContain(
      'no line for this host, port, database and user',
    )
    expect(await problem(read('postgres://u@db/d', join(folder, 'missing')))).toContain('PASSWORD_FILE true')
    const open = join(folder, 'open')
    writeFileSync(open, 'db:*:d:u:canary\n')
    chmodSync(open, 0o640)
    const message = await problem(read('postgres://u@db/d', open))
    expect(message).toContain('others may read it: chmod 600')
    expect(message).not.toContain('canary')
  })
})
