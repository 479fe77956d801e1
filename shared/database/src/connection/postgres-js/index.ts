import { bounded } from '@shared/pool'
import type { ConnectionOptions } from '../../options.ts'
import { toConnectError } from '../connect-error.ts'
import { refuseTlsContradiction } from '../network/tls-settings.ts'
import type { ConnectionSource, SourceListeners } from '../sql-connection.ts'
import type { Target } from '../target.ts'
import { type ArrayType, arrayTypesText } from './array-types.ts'
import { PostgresConnection } from './connection.ts'
import { createDriverSource, definitionsChanged, isPipelinable, learnArrayTypes } from './driver.ts'

/** Connections made of postgres.js, one client each. */
export function createPostgresSource(
  target: Target,
  options: ConnectionOptions,
  listeners: SourceListeners = {},
): ConnectionSource {
  refuseTlsContradiction(options)
  const source = createDriverSource(target, options, listeners)
  return {
    async open({ host = target.hosts[0], timeoutMs, signal, onLost = () => {}, onRoleChanged = () => {} }) {
      const connection = new PostgresConnection(source, host, { onLost, onRoleChanged })
      try {
        await bounded(connection.open(), timeoutMs, signal)
        return connection
      } catch (error) {
        const { tried } = connection
        const gone = connection.destroy()
        // Who has given the attempt up learns by this when nothing is left of it.
        if (signal?.aborted) await gone
        throw toConnectError(error, { target, options, host, timeoutMs, tried })
      }
    },
    clientOptions: source.driver,
    isPipelinable: (parameters, types) => isPipelinable(parameters, types, source),
    get isInUse() {
      return source.connections.size > 0
    },
    get firstSnapshot() {
      return source.firstSnapshot
    },
    definitionsChanged: () => definitionsChanged(source),
    async learnTypes(connection) {
      learnArrayTypes(source, (await connection.run(arrayTypesText(0), [], false)) as ArrayType[])
    },
    holdPlans(isHeld) {
      source.plansHeld = isHeld
    },
    async answered() {
      await Promise.all(Array.from(source.connections, (connection) => connection.answered()))
    },
    get pooler() {
      return source.poolers.pooler
    },
    settleStranded() {
      let count = 0
      for (const connection of source.connections) count += connection.settleStranded()
      return count
    },
  }
}
