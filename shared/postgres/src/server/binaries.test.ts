import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repairLinks } from './binaries.ts'

describe('repairLinks', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'links-'))
    mkdirSync(join(folder, 'native/lib'), { recursive: true })
    writeFileSync(join(folder, 'native/lib/libx.so.60.2'), 'library')
    const link = (target: string) => ({ source: 'native/lib/libx.so.60.2', target: `native/lib/${target}` })
    writeFileSync(
      join(folder, 'native/pg-symlinks.json'),
      JSON.stringify([link('libx.so'), link('libx.so.60')]),
    )
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const state = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(join(folder, 'native/lib')).map((name) => {
        const path = join(folder, 'native/lib', name)
        return [name, lstatSync(path).isSymbolicLink() ? readlinkSync(path) : 'file']
      }),
    )

  test('makes the links that a package cannot hold, and leaves right ones as they are', () => {
    const repaired = [repairLinks(folder), repairLinks(folder)]
    expect(repaired).toEqual([true, true])
    expect(state()).toEqual({
      'libx.so': 'libx.so.60.2',
      'libx.so.60': 'libx.so.60.2',
      'libx.so.60.2': 'file',
    })
  })

  test('replaces a link to another version, and keeps a copy of the library', () => {
    symlinkSync('libx.so.59', join(folder, 'native/lib/libx.so'))
    writeFileSync(join(folder, 'native/lib/libx.so.60'), 'copy')
    repairLinks(folder)
    expect(state()).toEqual({ 'libx.so': 'libx.so.60.2', 'libx.so.60': 'file', 'libx.so.60.2': 'file' })
  })
})
