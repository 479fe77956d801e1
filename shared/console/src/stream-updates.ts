import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { ServiceWatch } from './watch-services.ts'
import type { Update } from './wire.ts'

/** How soon a browser that lost the stream asks for it again. */
const retryMs = 1_000

/**
 * Streams everything that is known, then what changes, as server-sent events named `update`.
 *
 * A browser that reads too slowly misses updates and gets everything again: nothing piles up here.
 */
export function streamUpdates(c: Context, watch: ServiceWatch): Response {
  return streamSSE(c, async (stream) => {
    const gone = Promise.withResolvers<void>()
    let sending = false
    let behind = false
    const send = async (update: Update): Promise<void> => {
      if (sending) {
        behind = true
        return
      }
      sending = true
      await stream.writeSSE({ event: 'update', retry: retryMs, data: JSON.stringify(update) })
      sending = false
      if (!behind || stream.aborted) return
      behind = false
      await send(watch.snapshot())
    }
    stream.onAbort(gone.resolve)
    const unsubscribe = watch.subscribe((update) => void send(update))
    await send(watch.snapshot())
    await gone.promise
    unsubscribe()
  })
}
