import { chownSync, renameSync, writeFileSync } from 'node:fs'
import type { ServerUser } from './server-user.ts'

/** Writes a file that only the server's user can read; who reads it sees the old or the new contents, never a part. */
export function writePrivateFile(path: string, text: string, user: ServerUser): void {
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, text, { mode: 0o600 })
  if (user.switched) chownSync(aside, user.uid, user.gid)
  renameSync(aside, path)
}
