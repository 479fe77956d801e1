import { checkArguments } from '../call-arguments.ts'
import type { RunStatement } from '../connection/statement.ts'
import type { DrizzleModel } from '../drizzle/handle.ts'
import type { ExclusiveWork } from '../session/exclusive-work.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { copyIn } from './copy/copy-in.ts'
import { copyOut } from './copy/copy-out.ts'
import { checkChannel, checkPayload } from './listen/channel.ts'
import type { Listening } from './listen/listening.ts'
import { withSettings } from './settings/session.ts'
import { type StreamPlace, streamRows } from './stream/stream.ts'
import type { Transact } from './transact.ts'
import type { DatabaseUses } from './uses-api.ts'

/** What the uses of a connection beside statements are made of. */
export interface UsesParts<TModel extends DrizzleModel> {
  readonly transaction: Transact<TModel>
  readonly inBounds: ExclusiveWork['inBounds']
  readonly run: RunStatement
  readonly listening: Listening
  readonly tracer: Tracer
  /** Where streams run: on the primary, and where reads go. */
  readonly places: Readonly<Record<'primary' | 'reads', StreamPlace<TModel>>>
}

export interface Uses<TModel extends DrizzleModel> {
  readonly api: DatabaseUses<TModel>
  /** The pool is closed: ends what still waits for somebody to go on. */
  close(reason: Error): void
}

/** What else a connection is for than single statements and transactions. */
export function createUses<TModel extends DrizzleModel>(parts: UsesParts<TModel>): Uses<TModel> {
  const { inBounds, places, listening, run, tracer } = parts
  const open = new Set<AbortController>()
  const api: DatabaseUses<TModel> = {
    async session(options, fn) {
      checkArguments('session', options)
      const { settings, ...transaction } = options
      return await parts.transaction(transaction, withSettings(settings, fn))
    },
    async listen(channel, handle, options = {}) {
      checkArguments('listen', options)
      return await listening.listen(channel, handle, options)
    },
    async notify(channel, payload = '') {
      checkChannel(channel, 'notify')
      checkPayload(payload)
      await run('select pg_notify($1, $2)', [channel, payload], true)
    },
    async copyIn(target, source, options = {}) {
      checkArguments('copyIn', options)
      return await copyIn({ hold: places.primary.hold, inBounds }, target, source, options)
    },
    copyOut(source, options = {}) {
      checkArguments('copyOut', options)
      return copyOut({ hold: places.primary.hold, inBounds, open }, source, options)
    },
    stream(query, options = {}) {
      checkArguments('stream', options)
      const place = places[options.reads ? 'reads' : 'primary']
      return streamRows({ place, tracer, inBounds, open }, query, options)
    },
  }
  return {
    api,
    close(reason) {
      for (const stream of open) stream.abort(reason)
    },
  }
}
