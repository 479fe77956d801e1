import { join } from 'node:path'

/** A process that uses a server. */
export interface User extends AsyncDisposable {
  /** The first line it says, once the server runs. */
  readonly ready: Promise<{ pid: number; startedHere: boolean }>
  /** Tells it to release the server and end; what the release returned. */
  release(): Promise<string>
  /** Ends it without a chance to clean up. */
  kill(): Promise<void>
}

/** Starts a process that starts or joins the server of the data root. */
export function startUser(dataRoot: string): User {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'user-process.ts'), dataRoot], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const lines = linesOf(child.stdout)
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done || value === undefined) throw new Error('the user process ended without an answer')
    return JSON.parse(value)
  }
  const ready = next().then((line) => ({ pid: Number(line.pid), startedHere: line.startedHere === true }))
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await child.exited
  }
  return {
    ready,
    kill,
    async release() {
      child.stdin.write('release\n')
      await child.stdin.flush()
      return String((await next()).released)
    },
    [Symbol.asyncDispose]: kill,
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
