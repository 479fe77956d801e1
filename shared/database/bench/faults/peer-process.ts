import { join } from 'node:path'
import type { Answer, Command, LoadResult } from './messages.ts'
import { spawn } from './spawn.ts'

/** A peer under load in a process of its own. */
export interface PeerProcess extends AsyncDisposable {
  /** Resolves after the warm second. */
  readonly warm: Promise<void>
  /** Tells it that the fault is about to happen, and resolves when it knows. */
  mark(): Promise<void>
  /** Tells it that the fault has happened. */
  happened(): void
  readonly result: Promise<LoadResult>
}

/** Starts a peer; its promises reject with how its process ended if it ends before them, or when the signal fires. */
export function startPeer(
  start: Omit<Extract<Command, { type: 'start' }>, 'type'>,
  signal: AbortSignal,
): PeerProcess {
  const warm = Promise.withResolvers<void>()
  const marked = Promise.withResolvers<void>()
  const result = Promise.withResolvers<LoadResult>()
  const fail = (error: unknown) => {
    for (const { reject } of [warm, marked, result]) reject(error)
  }
  // Who awaits one of them hears of the end; the others are nobody's.
  for (const { promise } of [warm, marked, result]) promise.catch(() => {})
  const child = spawn<Command, Answer>({
    file: join(import.meta.dir, 'child.ts'),
    signal,
    onAnswer(answer) {
      if (answer.type === 'warm') warm.resolve()
      else if (answer.type === 'marked') marked.resolve()
      else if (answer.type === 'result') result.resolve(answer.result)
      else fail(new Error(answer.message))
    },
    onEnd: fail,
  })
  child.send({ type: 'start', ...start })
  return {
    warm: warm.promise,
    result: result.promise,
    mark() {
      child.send({ type: 'mark' })
      return marked.promise
    },
    happened: () => child.send({ type: 'happened' }),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
