import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionLostError, findDatabaseError } from '../src/index.ts'

/** Callers that ask one thing after the other until they are stopped. */
export interface Callers {
  /** Callers with a question under way now. */
  readonly asking: number
  /** Questions answered so far. */
  readonly answered: number
  /** What failed: which caller, what it got, and how many marks there were when it asked. */
  readonly failures: readonly { caller: number; error: unknown; marks: number }[]
  /** Callers that have not yet had an answer to a question asked after the last mark. */
  readonly unserved: number
  /** Separates what was asked before from what is asked after, and returns how many questions are under way. */
  mark(): number
  /** Resolves when the questions under way have settled. */
  stop(): Promise<void>
}

/** Starts callers, each asking every few milliseconds. */
export function startCallers(count: number, ask: (n: number) => PromiseLike<unknown>): Callers {
  const failures: { caller: number; error: unknown; marks: number }[] = []
  const unserved = new Set<number>()
  let [asking, answered, marks, stopped] = [0, 0, 0, false]
  const callers = Array.from({ length: count }, async (_, caller) => {
    for (let n = caller; !stopped; n += count) {
      const marksThen = marks
      asking++
      try {
        await ask(n)
        answered++
        if (marksThen === marks) unserved.delete(caller)
      } catch (error) {
        failures.push({ caller, error: findDatabaseError(error) ?? error, marks: marksThen })
      }
      asking--
      await sleep(2)
    }
  })
  return {
    failures,
    get asking() {
      return asking
    },
    get answered() {
      return answered
    },
    get unserved() {
      return unserved.size
    },
    mark() {
      marks++
      for (let caller = 0; caller < count; caller++) unserved.add(caller)
      return asking
    },
    async stop() {
      stopped = true
      await Promise.all(callers)
    },
  }
}

/** The failures by what they are: `lost unknown`, or the error's name and code. */
export function kindsOf(callers: Callers): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const { error } of callers.failures) {
    const { name, code } = error as { name: string; code?: string }
    const kind = error instanceof ConnectionLostError ? `lost, ${error.outcome}` : `${name} ${code}`
    kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  return kinds
}
