import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { npmVersion } from 'drizzle-orm/version'
import { MigrationError } from '../errors.ts'
import type { MigrationJournal } from './journal.ts'

/** A migration of a folder. */
export interface FolderMigration {
  /** `0001_add_stock`; the time of its generation where the folder has no journal. */
  readonly name: string
  /** Epoch ms of its generation: `created_at` in the database. */
  readonly folderMillis: number
  readonly hash: string
  /** Its statements. */
  readonly sql: readonly string[]
}

/**
 * The folder's migrations, the oldest first; drizzle-orm 1.0 would take any folder for one without migrations.
 *
 * @throws {MigrationError} It is none.
 */
export function readFolder(migrationsFolder: string): FolderMigration[] {
  let cause: unknown
  try {
    const migrations = readMigrationFiles({ migrationsFolder })
    const journal = join(migrationsFolder, 'meta/_journal.json')
    if (migrations.length > 0 || existsSync(journal)) {
      const names = readNames(journal)
      return migrations.map(({ folderMillis, hash, sql }) => {
        const name = names.get(folderMillis) ?? new Date(folderMillis).toISOString()
        return { name, folderMillis, hash, sql }
      })
    }
  } catch (error) {
    cause = error
  }
  throw new MigrationError(
    `${migrationsFolder} is not a migrations folder of drizzle-orm ${npmVersion}: generate the first migration with ` +
      'db:generate, or bring older ones to the format of this version with drizzle-kit up.',
    { cause },
  )
}

function readNames(journal: string): Map<number, string> {
  if (!existsSync(journal)) return new Map()
  const { entries }: MigrationJournal = JSON.parse(readFileSync(journal, 'utf8'))
  return new Map(entries.map(({ when, tag }) => [when, tag]))
}
