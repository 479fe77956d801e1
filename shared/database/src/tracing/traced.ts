import { errorCode } from '../errors.ts'
import type { OperationChannels } from './channel-types.ts'
import type { TracedOperation } from './messages.ts'

/**
 * Publishes an operation as `TracingChannel.tracePromise` does, but without its result: rows are nobody's business there. `start`,
 * `end`, `asyncStart` and `asyncEnd` are published in the caller's async context, and the operation runs in the stores that are
 * bound to `start`.
 *
 * @param run Called with `start`; must not throw.
 * @param onEnd Called before the end is published, with the result or undefined, to complete the message.
 * @see https://nodejs.org/api/diagnostics_channel.html#tracingchanneltracepromisefn-context-thisarg-args
 */
export function traced<M extends TracedOperation, T>(
  channel: OperationChannels<M>,
  message: M,
  run: () => Promise<T>,
  onEnd: (result: T | undefined) => void,
): Promise<T> {
  const { start, end, asyncStart, asyncEnd, error } = channel
  const ended = (result?: T): void => {
    onEnd(result)
    message.durationMs ??= performance.now() - message.startedAt
  }
  const settled = (): void => {
    asyncStart.publish(message)
    asyncEnd.publish(message)
  }
  const resolved = (result: T): T => {
    ended(result)
    settled()
    return result
  }
  const rejected = (reason: unknown): never => {
    message.error = reason
    message.errorCode = errorCode(reason)
    ended()
    error.publish(message)
    settled()
    throw reason
  }
  return start.runStores(message, () => {
    const result = run().then(resolved, rejected)
    end.publish(message)
    return result
  })
}
