import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LocalPostgresError } from '../errors.ts'

/** How a server that does not run was left. */
export interface LeftState {
  /** Whether it was stopped in order as a primary: then its last record is the checkpoint, and nothing is lost. */
  readonly cleanly: boolean
  /** A position within the record of its last checkpoint (`0/1A2B3C9`): who has replayed up to there has that record. */
  readonly checkpoint: string
}

// pg_control.h of PostgreSQL 18; the package has no pg_controldata that could be asked instead.
const knownVersion = 1800
const versionAt = 8
const stateAt = 16
const checkpointAt = 32
const shutDown = 1

/** Reads the state of a stopped server from its pg_control. Throws `VERSION_MISMATCH` for one of another version. */
export function readLeftState(dataDirectory: string): LeftState {
  const bytes = readFileSync(join(dataDirectory, 'global/pg_control'))
  const control = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = control.getUint32(versionAt, true)
  if (version !== knownVersion) {
    throw new LocalPostgresError(
      'VERSION_MISMATCH',
      `${dataDirectory} has a pg_control of version ${version}, and ${knownVersion} is what can be read.`,
    )
  }
  const checkpoint = control.getBigUint64(checkpointAt, true) + 1n
  const [high, low] = [checkpoint >> 32n, checkpoint & 0xffffffffn].map((half) =>
    half.toString(16).toUpperCase(),
  )
  return { cleanly: control.getUint32(stateAt, true) === shutDown, checkpoint: `${high}/${low}` }
}
