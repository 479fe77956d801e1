import { ConfigurationError, startTimer } from '@shared/pool'
import type { CopyExchange } from '../../connection/copy-exchange.ts'
import { type CopyTarget, copyTarget } from '../../drizzle/copy-text.ts'
import { StreamIdleError } from '../../errors.ts'
import type { ExclusiveConnection } from '../../session/exclusive-connection.ts'
import type { ExclusiveWork } from '../../session/exclusive-work.ts'
import { spentOn, untilFired } from '../../session/work.ts'
import { type CopyOptions, formatClause, usualIdleMs } from './copy-options.ts'

type Chunk = Uint8Array | string

/** Where the bytes come from: a web stream (a body, a file's `stream()`), a generator, an array. */
export type CopyInput = ReadableStream<Chunk> | AsyncIterable<Chunk> | Iterable<Chunk>

// Small pieces are sent together: a system call for each row costs more than the row.
const packetBytes = 65_536
const longestTurnMs = 10

/**
 * Stores what a source gives, all of it or nothing.
 *
 * @returns How many rows were stored.
 */
export function copyIn(
  { hold, inBounds }: Pick<ExclusiveWork, 'hold' | 'inBounds'>,
  target: CopyTarget,
  source: CopyInput,
  options: CopyOptions,
): Promise<{ rows: number }> {
  const { idleTimeoutMs = usualIdleMs, columns, timeoutMs, signal } = options
  const chunks = iteratorOf(source)
  const name = copyTarget(target, columns)
  const text = `copy ${name} from stdin ${formatClause(options)}`
  return inBounds({ timeoutMs, signal }, (checkoutTimeoutMs) =>
    hold(
      (exclusive) => exclusive.noting(() => send(exclusive, text, chunks, idleTimeoutMs)),
      'if-stateful',
      checkoutTimeoutMs,
    ),
  ).catch((error: unknown) => {
    // The source learns that nobody wants more of it; what it makes of that is not waited for.
    void Promise.resolve(chunks.return?.()).catch(() => {})
    throw error
  })
}

async function send(
  exclusive: ExclusiveConnection,
  text: string,
  chunks: AsyncIterator<Chunk> | Iterator<Chunk>,
  idleTimeoutMs: number,
): Promise<{ rows: number }> {
  const { signal } = exclusive
  const atStatement = (reason: unknown) => spentOn('statement', reason)
  const copy = await exclusive.copy(text, '')
  try {
    if (copy.direction !== 'in') throw new Error('The server copies to the client.')
    const packets = new Packets(copy)
    for (;;) {
      const next = chunks.next()
      const { done, value } =
        next instanceof Promise
          ? await untilFired(inTime(next, copy, idleTimeoutMs), signal, atStatement)
          : next
      if (done) break
      const written = packets.add(value)
      if (written) await untilFired(written, signal, atStatement)
    }
    await untilFired(packets.flush(), signal, atStatement)
    return { rows: await untilFired(copy.end(), signal, atStatement) }
  } catch (error) {
    await exclusive.finish(copy.abandon(), () => error).catch(() => {})
    throw error
  }
}

/** Puts pieces together to packets. */
class Packets {
  readonly #copy: CopyExchange
  #pieces: Uint8Array[] = []
  #bytes = 0
  /** When others last had their turn. */
  #turnedAt = performance.now()

  constructor(copy: CopyExchange) {
    this.#copy = copy
  }

  /** @returns What to wait for before more is added; null: nothing. */
  add(chunk: Chunk): Promise<void> | null {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (!(bytes instanceof Uint8Array))
      throw new ConfigurationError(`A piece of a COPY must be text or a Uint8Array, got ${typeof chunk}.`)
    // The server would see its end later than its source: an error in it is the statement's.
    if (this.#copy.isOver) return this.#copy.write(bytes)
    this.#pieces.push(bytes)
    this.#bytes += bytes.length
    return this.#bytes >= packetBytes ? this.flush() : null
  }

  async flush(): Promise<void> {
    const [first, ...more] = this.#pieces
    if (!first) return
    this.#pieces = []
    this.#bytes = 0
    await this.#copy.write(more.length === 0 ? first : Buffer.concat([first, ...more]))
    if (performance.now() - this.#turnedAt < longestTurnMs) return
    // A socket that takes everything, and a source that has it, leave nobody else a turn: no timer, and no signal.
    await new Promise((resolve) => setImmediate(resolve))
    this.#turnedAt = performance.now()
  }
}

function iteratorOf(source: CopyInput): AsyncIterator<Chunk> | Iterator<Chunk> {
  const given: Partial<AsyncIterable<Chunk> & Iterable<Chunk>> = Object(source)
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
    const iterator = given[Symbol.asyncIterator]?.() ?? given[Symbol.iterator]?.()
    if (iterator) return iterator
  }
  throw new ConfigurationError(
    'The source of copyIn() must be a ReadableStream, an iterable or an async iterable of text or Uint8Array. Put one piece into an array.',
  )
}

/** Waits for the source, no longer than it may be idle, and not when the server wants no more of it. */
function inTime<T>(next: Promise<T>, copy: CopyExchange, idleTimeoutMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stopTimer = startTimer(idleTimeoutMs, () => reject(new StreamIdleError(idleTimeoutMs)))
    // What is sent to a COPY that is over fails with what has ended it.
    copy.onOver = () => copy.write(new Uint8Array()).catch(reject)
    // Before the next piece is waited for, which listens for the end too.
    const end = () => {
      stopTimer()
      copy.onOver = null
    }
    next.then(
      (piece) => {
        end()
        resolve(piece)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}
