import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommandError } from './errors.ts'
import type { NewFile } from './new-service-templates.ts'

/** A file that is there, with what it shall say instead. */
export interface Change extends NewFile {
  readonly before: string
}

/** What to write, by paths from the repository's root. */
export interface Changes {
  /** Folders that must not exist; everything created is in one of them. */
  readonly folders: readonly string[]
  readonly created: readonly NewFile[]
  readonly changed: readonly Change[]
  /** Files that `finish` may change: they are put back as well. */
  readonly touched: readonly string[]
}

/**
 * Writes everything and then finishes; whatever fails on the way, nothing of it is left.
 *
 * @throws {CommandError} A file is not as it was when the changes were made up, or a folder has come meanwhile.
 */
export async function writeChanges(
  root: string,
  { folders, created, changed, touched }: Changes,
  finish: () => Promise<void>,
): Promise<void> {
  const undo: (() => void)[] = []
  try {
    for (const path of [...changed.map((file) => file.path), ...touched]) {
      const old = readFileSync(join(root, path))
      undo.push(() => writeFileSync(join(root, path), old))
    }
    for (const folder of folders) {
      makeFolder(join(root, folder), folder)
      undo.push(() => rmSync(join(root, folder), { recursive: true, force: true }))
    }
    for (const { path, text } of created) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text, { flag: 'wx' })
    }
    for (const { path, before, text } of changed) {
      if (readFileSync(join(root, path), 'utf8') !== before)
        throw new CommandError(`${path} was changed by somebody else at this moment: try again.`)
      writeFileSync(join(root, path), text)
    }
    await finish()
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}

/** Making it is also the claim: of two commands at once, one fails here. */
function makeFolder(path: string, name: string): void {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true })
  try {
    mkdirSync(path)
  } catch (cause) {
    throw new CommandError(`the folder ${name} cannot be made.`, { cause })
  }
}
