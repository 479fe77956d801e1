import { type CopySource, copySource } from '../../drizzle/copy-text.ts'
import type { ExclusiveConnection } from '../../session/exclusive-connection.ts'
import type { ExclusiveWork } from '../../session/exclusive-work.ts'
import { spentOn, untilFired } from '../../session/work.ts'
import type { Batches } from '../stream/batches.ts'
import { type PulledParts, pull } from '../stream/pulled.ts'
import { type CopyOptions, formatClause, usualIdleMs } from './copy-options.ts'

/** The bytes of a table or a query, as they are read; begins with the first read. */
export function copyOut(
  { hold, ...parts }: PulledParts & Pick<ExclusiveWork, 'hold'>,
  source: CopySource,
  options: CopyOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { idleTimeoutMs = usualIdleMs, columns, timeoutMs, signal } = options
  const name = copySource(source, columns)
  const text = `copy ${name} to stdout ${formatClause(options)}`
  const inner = name.startsWith('(') ? name.slice(1, -1) : ''
  const { take, stop } = pull<Uint8Array>(
    parts,
    { idleTimeoutMs, timeoutMs, signal },
    (batches, checkoutTimeoutMs) =>
      hold((exclusive) => receive(exclusive, { text, inner }, batches), 'if-stateful', checkoutTimeoutMs),
  )
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const bytes = await take()
        if (bytes) controller.enqueue(bytes as Uint8Array<ArrayBuffer>)
        else controller.close()
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  )
}

async function receive(
  exclusive: ExclusiveConnection,
  { text, inner }: { text: string; inner: string },
  batches: Batches<Uint8Array>,
): Promise<void> {
  const { signal } = exclusive
  const atStatement = (reason: unknown) => spentOn('statement', reason)
  const copy = await exclusive.copy(text, inner)
  try {
    for (;;) {
      const bytes = await untilFired(copy.read(), signal, atStatement)
      if (bytes === null) return
      await batches.give(bytes, signal)
    }
  } catch (error) {
    await exclusive.finish(copy.abandon(), () => error).catch(() => {})
    throw error
  }
}
