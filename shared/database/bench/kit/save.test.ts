import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blockOf, saveBlock } from './save.ts'

test('what stands in a block is replaced, and nothing around it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-save-'))
  try {
    const path = join(folder, 'README.md')
    await Bun.write(path, 'a\n<!-- speed: begin -->\nold\n<!-- speed: end -->\nb\n')
    await saveBlock(path, 'speed', '$1\nnew')
    const text = await Bun.file(path).text()
    expect({ text, block: blockOf(text, 'speed') }).toEqual({
      text: 'a\n<!-- speed: begin -->\n$1\nnew\n<!-- speed: end -->\nb\n',
      block: '$1\nnew',
    })
    await expect(saveBlock(path, 'report', '')).rejects.toThrow('no lines <!-- report: begin -->')
  } finally {
    await rm(folder, { recursive: true })
  }
})
