import { chown, copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSession } from '../admin-connection.ts'
import { errorCode, LocalPostgresError } from '../errors.ts'
import { writePrivateFile } from '../server/private-file.ts'
import type { ServerUser } from '../server/server-user.ts'
import type { Member } from './member.ts'

// What the manual says is left out: the folder stays, its contents do not. WAL comes by streaming.
const emptied = [
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]
const skipped = ['postmaster.pid', 'postmaster.opts', 'backup_label', 'tablespace_map', 'pg_internal.init']

const isSkipped = (name: string): boolean =>
  skipped.includes(name) ||
  name.startsWith('pgsql_tmp') ||
  // Left by a start that put a stale file aside, and by a write that did not come to its end.
  name.startsWith('postmaster.pid.')

/**
 * Copies the data of a running primary on this machine into a new folder, as in "Making a Base Backup Using the Low
 * Level API" of PostgreSQL's manual.
 *
 * The copy is no data directory yet that a server may start on by itself: it needs the WAL from its backup_label on.
 * Throws `DATA_FOLDER` for a server with tablespaces, whose data is elsewhere.
 */
export async function copyPrimary(primary: Member, folder: string, user: ServerUser): Promise<void> {
  await using session = await openSession(primary.adminUrl, { applicationName: 'local-postgres copy' })
  const { sql } = session
  // Without waiting for the next checkpoint. The backup belongs to this connection, and ends with it.
  await sql`select pg_backup_start('standby', fast => true)`
  await copyFolder(primary.dataDirectory, folder, user)
  const [stopped] = await sql<{ label: string; tablespaces: string }[]>`
    select labelfile as label, spcmapfile as tablespaces from pg_backup_stop(wait_for_archive => false)`
  if (stopped === undefined || stopped.tablespaces !== '') {
    throw new LocalPostgresError(
      'DATA_FOLDER',
      `The server in ${primary.dataDirectory} has tablespaces, which are not copied. Move their tables to pg_default.`,
    )
  }
  writePrivateFile(join(folder, 'backup_label'), stopped.label, user)
}

async function copyFolder(from: string, to: string, user: ServerUser): Promise<void> {
  const entries = (await unlessGone(readdir(from, { withFileTypes: true }))) ?? []
  await makeFolder(to, user)
  const kept = entries.filter(({ name }) => !isSkipped(name))
  const files = kept.filter((entry) => entry.isFile())
  await Promise.all(files.map(({ name }) => copyOne(join(from, name), join(to, name), user)))
  for (const { name } of kept.filter((entry) => entry.isDirectory())) {
    if (emptied.includes(name)) await makeFolder(join(to, name), user)
    else await copyFolder(join(from, name), join(to, name), user)
  }
}

async function copyOne(from: string, to: string, user: ServerUser): Promise<void> {
  const copied = await unlessGone(copyFile(from, to).then(() => true))
  if (copied && user.switched) await chown(to, user.uid, user.gid)
}

async function makeFolder(path: string, user: ServerUser): Promise<void> {
  await mkdir(path, { mode: 0o700 })
  if (user.switched) await chown(path, user.uid, user.gid)
}

/** Null for what the running server has removed meanwhile: recovery removes it too. */
async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}
