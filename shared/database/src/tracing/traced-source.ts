import { hostName } from '../connection/host.ts'
import type { CreateSource } from '../connection/sql-connection.ts'
import { channels, isHeard } from './channels.ts'
import { begun, type ConnectMessage, noteBackend } from './messages.ts'
import { traced } from './traced.ts'

/**
 * Makes sources whose connects are published.
 *
 * @param name That of the database, for connections that are for no pool.
 */
export function tracedSource(createSource: CreateSource, name: string): CreateSource {
  return (target, options, listeners) => {
    const source = createSource(target, options, listeners)
    const open = source.open.bind(source)
    /** Failed attempts in a row, by the host. */
    const failures = new Map<string, number>()
    source.open = async (opening) => {
      const { host = target.hosts[0], pool } = opening
      const place = hostName(host)
      const counted = async () => {
        try {
          const connection = await open(opening)
          failures.delete(place)
          return connection
        } catch (error) {
          failures.set(place, (failures.get(place) ?? 0) + 1)
          throw error
        }
      }
      if (!isHeard(channels.connect)) return await counted()
      const { database } = target
      const message: ConnectMessage = {
        ...begun({ pool: pool ?? name, database, host: host.name, port: host.port }),
        attempt: (failures.get(place) ?? 0) + 1,
        internal: pool === undefined,
        pid: null,
      }
      return await traced(channels.connect, message, counted, (connection) => {
        if (connection) noteBackend(message, connection)
      })
    }
    return source
  }
}
