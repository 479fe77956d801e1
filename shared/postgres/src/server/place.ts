import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { errorCode, LocalPostgresError } from '../errors.ts'
import { canReach, type ServerUser, serverUserFor, unprivilegedUser } from './server-user.ts'

/** Where one server lives on disk, and the user it runs as. */
export interface Place {
  readonly root: string
  readonly dataDirectory: string
  readonly passwordFile: string
  /** A password file of libpq with the login of standbys; there once the server has, or is, a standby. */
  readonly replicationPassFile: string
  readonly logFile: string
  readonly lockFile: string
  readonly user: ServerUser
}

/** The folder for a data root when none is named: `.data/postgres` in the repository. */
export function defaultDataRoot(): string {
  return resolve(import.meta.dir, '../../../../.data/postgres')
}

function placeIn(folder: string, user: ServerUser): Place {
  // The server names its data directory by its real path, and is recognised by it.
  const root = realpathSync(folder)
  return {
    root,
    dataDirectory: join(root, 'data'),
    passwordFile: join(root, 'password'),
    replicationPassFile: join(root, 'replication.pgpass'),
    logFile: join(root, 'server.log'),
    lockFile: join(root, 'start.lock'),
    user,
  }
}

const lstatOrNull = (path: string): Stats | null => lstatSync(path, { throwIfNoEntry: false }) ?? null

/** A system temporary folder that the user can write to. */
export function temporaryFolder(user: ServerUser): string {
  const folder = [tmpdir(), '/tmp'].find((candidate) => canReach(user, candidate, 'write'))
  if (folder !== undefined) return folder
  throw new LocalPostgresError(
    'DATA_FOLDER',
    `User "${user.name}" can write neither to ${tmpdir()} nor to /tmp. Set TMPDIR to a folder it can write to.`,
  )
}

/**
 * Finds, and makes, the folder for a data root: the root itself or, where its user cannot use it, a private one under
 * the system's temporary folder, named by the user and a hash of the root.
 *
 * With `create: false` nothing is made and null stands for "there is no such folder yet".
 * Throws `DATA_FOLDER`, `SERVER_USER`.
 */
export function resolvePlace(
  dataRoot: string,
  options: { create: boolean; onNotice?: (line: string) => void },
): Place | null {
  const root = resolve(dataRoot)
  const user = serverUserFor(root)
  const present = lstatOrNull(root)
  const problem =
    present === null ? (options.create ? makeRoot(root, user) : null) : problemWith(root, present, user)
  if (problem === null && (present !== null || options.create)) return placeIn(root, user)
  const fallback = privateFolder(root, options.create && problem !== null)
  if (fallback === null) return null
  if (problem !== null) options.onNotice?.(`${root} ${problem}: keeping the data in ${fallback.root}`)
  return fallback
}

function problemWith(root: string, present: Stats, user: ServerUser): string | null {
  if (!present.isDirectory() && !statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new LocalPostgresError(
      'DATA_FOLDER',
      `${root} is not a folder. Move it, or choose another data root.`,
    )
  }
  if (present.uid !== user.uid && user.switched && readdirSync(root).length === 0) {
    chownSync(root, user.uid, user.gid)
  } else if (present.uid !== user.uid) {
    return `belongs to another user (uid ${present.uid})`
  }
  return canReach(user, root, 'write') ? null : `cannot be reached by user "${user.name}"`
}

function makeRoot(root: string, user: ServerUser): string | null {
  const missing: string[] = []
  let ancestor = root
  while (lstatOrNull(ancestor) === null) {
    missing.unshift(ancestor)
    ancestor = dirname(ancestor)
  }
  if (!canReach(user, ancestor, 'enter')) return `cannot be reached by user "${user.name}"`
  const owner = statSync(ancestor)
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: folder === root ? 0o700 : 0o755 })
    } catch (error) {
      // Another start made it in the meantime, or this user may not: then the private folder serves.
      if (errorCode(error) === 'EEXIST') continue
      return `cannot be made (${errorCode(error)})`
    }
    // Folders that root leaves in somebody's checkout belong to that somebody.
    if (user.switched && folder !== root) chownSync(folder, owner.uid, owner.gid)
  }
  if (!user.switched) return null
  chownSync(root, user.uid, user.gid)
  if (canReach(user, root, 'write')) return null
  rmdirSync(root)
  return `cannot be reached by user "${user.name}"`
}

function privateFolder(root: string, create: boolean): Place | null {
  // Never the owner of what is found there: anybody can make a folder in a temporary folder.
  const user = process.getuid?.() === 0 ? unprivilegedUser() : serverUserFor(root)
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 12)
  const folder = join(temporaryFolder(user), `local-postgres-${user.uid}-${hash}`)
  if (create && lstatOrNull(folder) === null) {
    try {
      mkdirSync(folder, { mode: 0o700 })
      if (user.switched) chownSync(folder, user.uid, user.gid)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
  }
  const present = lstatOrNull(folder)
  if (present === null) return null
  // Root's own folder: another start of root's is between making it and handing it over.
  const handOver = user.switched && present.uid === 0
  if (handOver && present.isDirectory()) chownSync(folder, user.uid, user.gid)
  if (!present.isDirectory() || (present.uid !== user.uid && !handOver)) {
    throw new LocalPostgresError(
      'DATA_FOLDER',
      `${folder} is not a folder of user "${user.name}". Remove it and start again.`,
    )
  }
  if ((present.mode & 0o077) !== 0) chmodSync(folder, 0o700)
  return placeIn(folder, user)
}
