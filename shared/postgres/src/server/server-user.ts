import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LocalPostgresError } from '../errors.ts'

/** The operating system user a server runs as. */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** True where root hands over to another user, as PostgreSQL refuses to run as root. */
  readonly switched: boolean
}

const runId = (...args: string[]): string | null => {
  const result = spawnSync('id', args, { encoding: 'utf8' })
  return result.status === 0 ? result.stdout.trim() : null
}

function lookUp(nameOrUid: string): ServerUser | null {
  const name = runId('-un', nameOrUid)
  const uid = runId('-u', nameOrUid)
  const gid = runId('-g', nameOrUid)
  return name === null || uid === null || gid === null
    ? null
    : { name, uid: Number(uid), gid: Number(gid), switched: true }
}

/** The user that root runs servers as: `postgres`, else `nobody`. Throws `SERVER_USER` where neither exists. */
export function unprivilegedUser(): ServerUser {
  const user = lookUp('postgres') ?? lookUp('nobody')
  if (user === null) {
    throw new LocalPostgresError(
      'SERVER_USER',
      'PostgreSQL refuses to run as root and neither a user "postgres" nor "nobody" exists here. ' +
        'Create one (useradd --system postgres) or run as an ordinary user.',
    )
  }
  return user
}

/**
 * The user for the server of a data root: who calls or, for root, who owns the data or the folder it will be made in.
 *
 * So root in somebody's checkout works with that somebody's server. Where root owns it all: {@link unprivilegedUser}.
 */
export function serverUserFor(dataRoot: string): ServerUser {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0)
    return { name: runId('-un') ?? String(uid), uid, gid: process.getgid?.() ?? uid, switched: false }
  const owner = ownerOf(join(dataRoot, 'data'))
  return (owner === 0 ? null : lookUp(String(owner))) ?? unprivilegedUser()
}

function ownerOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? ownerOf(dirname(path)) : stats.uid
}

/** The spawn options that make a child run as the user; `HOME` and the caller's environment are not handed on. */
export function spawnAs(user: ServerUser, cwd: string) {
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  return user.switched ? { uid: user.uid, gid: user.gid, cwd, env } : { cwd, env }
}

/** Whether the user can enter the folder and, where asked, write there. Asked by trying, so ACLs and mounts count. */
export function canReach(user: ServerUser, folder: string, mode: 'enter' | 'write'): boolean {
  const test = mode === 'enter' ? 'test -x "$1"' : 'test -x "$1" && test -w "$1"'
  return spawnSync('/bin/sh', ['-c', test, 'sh', folder], spawnAs(user, '/')).status === 0
}
