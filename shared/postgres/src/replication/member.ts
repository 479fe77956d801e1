import { dirname } from 'node:path'
import { LocalPostgresError } from '../errors.ts'
import { type Place, resolvePlace } from '../server/place.ts'

/** A running server of a cluster: a primary or a standby. */
export interface Member {
  /** Superuser's URL. */
  readonly adminUrl: string
  readonly host: string
  readonly port: number
  readonly dataDirectory: string
}

/** Where a member lives on disk. Throws `DATA_FOLDER` if its folder is gone. */
export function placeOf(member: Pick<Member, 'dataDirectory'>): Place {
  const root = dirname(member.dataDirectory)
  const place = resolvePlace(root, { create: false })
  if (place !== null) return place
  throw new LocalPostgresError('DATA_FOLDER', `${root} is gone. Start the server there again.`)
}
