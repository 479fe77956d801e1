import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Place } from '../server/place.ts'
import { writePrivateFile } from '../server/private-file.ts'
import { replicationRole } from './allow-standbys.ts'
import type { Member } from './member.ts'

const signalFile = 'standby.signal'
const settingsFile = 'postgresql.auto.conf'

/** Whether the next start on this data is as a standby. Promotion removes what says so. */
export const isStandbyData = (dataDirectory: string): boolean => existsSync(join(dataDirectory, signalFile))

/**
 * What a standby is called by its primary, after its folder: `application_name` in `pg_stat_replication`, and a name for
 * `synchronous_standby_names` that needs no quotes.
 */
export const standbyName = ({ root }: Pick<Place, 'root'>): string =>
  basename(root)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '_')
    .replace(/^(?=[0-9])/, 'server_')

/**
 * Makes the data of a server that does not run a standby's. From then on it takes no writes until it is promoted, also
 * where it cannot follow that primary, because it has what that one never got.
 *
 * @param folder The data directory, or the folder where it is being made.
 */
export function writeStandbySettings(place: Place, primary: Member, folder = place.dataDirectory): void {
  const file = join(folder, settingsFile)
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
  // A delay of its time as a standby before would come back as a surprise.
  const others = lines.filter((line) => !/^(primary_|recovery_min_apply_delay)/.test(line))
  const info = connectionInfo(place, primary).replaceAll("'", "''")
  writePrivateFile(file, `${[...others, `primary_conninfo = '${info}'`].join('\n')}\n`, place.user)
  writePrivateFile(join(folder, signalFile), '', place.user)
}

/** How a standby reaches its primary, as libpq reads it. The password stays out of it, as changes of it are logged. */
export function connectionInfo(place: Place, primary: Pick<Member, 'host' | 'port'>): string {
  const passFile = place.replicationPassFile.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return [
    `host=${primary.host}`,
    `port=${primary.port}`,
    `user=${replicationRole}`,
    `passfile='${passFile}'`,
    `application_name='${standbyName(place)}'`,
    'sslmode=disable',
    'gssencmode=disable',
  ].join(' ')
}
