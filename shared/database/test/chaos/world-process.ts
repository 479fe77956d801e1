import { join } from 'node:path'
import type { ActAnswer, ActRequest } from './cluster/control.ts'
import type { Answer, Start, WorldResult } from './messages.ts'

/** Everything in a world has a bound of its own; together they stay below this. */
const calmMs = 180_000
/** Nothing may keep a process alive whose database is closed; a busy machine takes its time to end one. */
const exitMs = 30_000

export interface WorldProcessOptions {
  readonly signal: AbortSignal
  onProgress(statements: number, faults: number): void
  /** Does to the servers of a cluster what its world asks for. */
  onAct(request: ActRequest): Promise<ActAnswer>
}

/**
 * Runs a world in a process of its own: one that hangs, or ends, is a result and not the end of the run.
 *
 * @throws the signal's reason when it fires.
 */
export async function runWorldProcess(start: Start, options: WorldProcessOptions): Promise<WorldResult> {
  const { signal, onProgress, onAct } = options
  const frozen = new Set<number>()
  let progress = { statements: 0, faults: 0 }
  let result: WorldResult | null = null
  const answered = Promise.withResolvers<void>()
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'child.ts')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Infinity is no JSON.
    serialization: 'advanced',
    ipc(answer: Answer) {
      if (answer.type === 'act') void onAct(answer).then(send)
      else if (answer.type === 'frozen') frozen.add(answer.pid)
      else if (answer.type === 'progress') {
        progress = answer
        onProgress(answer.statements, answer.faults)
      } else {
        result = answer.result
        answered.resolve()
      }
    },
  })
  // A world that has ended meanwhile does not want to know.
  const send = (answer: ActAnswer) => child.exitCode === null && child.send(answer)
  const stderr = child.stderr.text()
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  try {
    child.send(start)
    await Promise.race([answered.promise, child.exited, timer(start.plan.loadMs + calmMs)])
    await Promise.race([child.exited, timer(result ? exitMs : 0)])
    signal.throwIfAborted()
    const how = child.signalCode ?? child.exitCode
    kill()
    const lastWords = (await stderr).trim().split('\n').slice(-3).join(' ')
    return judgeProcess(result, how, progress, lastWords)
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
    await child.exited
    for (const pid of frozen) thaw(pid)
  }
}

/** What the end of its process says of a world, beside what it said itself. */
function judgeProcess(
  result: WorldResult | null,
  how: number | string | null,
  progress: { statements: number; faults: number },
  lastWords: string,
): WorldResult {
  if (!result) {
    const what =
      how === null ? 'its process did not answer any more' : `its process ended (${how}) ${lastWords}`
    const kind = how === null ? 'hung' : 'uncaught'
    return {
      ...progress,
      succeeded: 0,
      failures: {},
      violations: [{ kind, what }],
      history: [],
      notes: [],
      isPoolerStuck: false,
    }
  }
  if (how === null)
    return {
      ...result,
      violations: [...result.violations, { kind: 'leaked', what: 'its process did not end after close()' }],
    }
  return result
}

function thaw(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It has ended since.
  }
}

const timer = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref()
  })
