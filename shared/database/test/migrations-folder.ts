import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A migrations folder as drizzle-kit writes it. */
export function folderOf(...migrations: { when: number; text: string }[]) {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  const entries = migrations.map(({ when }, idx) => ({
    idx,
    version: '7',
    when,
    tag: `000${idx}_step`,
    breakpoints: true,
  }))
  for (const [i, { text }] of migrations.entries()) writeFileSync(join(folder, `000${i}_step.sql`), text)
  mkdirSync(join(folder, 'meta'))
  writeFileSync(
    join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  )
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}
