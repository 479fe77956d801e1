import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { npmVersion } from 'drizzle-orm/version'

interface Migration {
  readonly when: number
  readonly text: string
}

/** A migrations folder as drizzle-kit writes it for the installed drizzle-orm. `when` is in ms, since 1970. */
export function folderOf(...migrations: Migration[]) {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  if (npmVersion.startsWith('0.')) writeJournal(folder, migrations)
  else writeFolders(folder, migrations)
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

function writeJournal(folder: string, migrations: Migration[]): void {
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
}

function writeFolders(folder: string, migrations: Migration[]): void {
  for (const { when, text } of migrations) {
    const time = new Date(when).toISOString().replaceAll(/\D/g, '').slice(0, 14)
    mkdirSync(join(folder, `${time}_step`))
    writeFileSync(join(folder, `${time}_step`, 'migration.sql'), text)
  }
}
