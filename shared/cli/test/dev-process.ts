import { eventually } from '@shared/postgres/testing'
import { startCli } from './command-line.ts'
import { familyOf, survivors } from './processes.ts'

/** A running `dev`, on ports of its own. */
export interface DevProcess extends AsyncDisposable {
  readonly pid: number
  /** What it wrote so far, on both streams. */
  output(): string
  /** Where each service listens, once the table is there; rejects when it ends before. */
  addresses(): Promise<Record<string, string>>
  /** Sends a signal as a terminal does: to the whole process group. */
  signalGroup(signal: NodeJS.Signals): void
  signal(signal: NodeJS.Signals): void
  readonly exited: Promise<number>
  /** Every process under it, now. */
  family(): Map<number, string>
}

/** Starts `dev`; disposing kills it and what it started, whatever state it is in. */
export function startDev(args: readonly string[], environment: Record<string, string> = {}): DevProcess {
  const child = startCli(['dev', ...args], { PORT: '0', ...environment })
  let output = ''
  let ended = false
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true })
  }
  const streams = [collect(child.stdout), collect(child.stderr)]
  child.exited.then(() => {
    ended = true
  })
  const known = new Map<number, string>()
  const family = (): Map<number, string> => {
    const now = familyOf(child.pid)
    for (const [pid, command] of now) known.set(pid, command)
    return now
  }
  return {
    pid: child.pid,
    output: () => output,
    async addresses() {
      const table = /^(\w+) +\w+_db +\d+ +(http:\S+)\/health +ready$/gm
      // The table and the line on the console are written at once, and may be read in parts.
      await eventually(() => ended || /^service +database[\s\S]*^(?:no )?console: .*\n/m.test(output))
      if (ended) throw new Error(`dev ended before it was ready:\n${output}`)
      return Object.fromEntries([...output.matchAll(table)].map(([, name, url]) => [name, url]))
    },
    signalGroup: (signal) => process.kill(-child.pid, signal),
    signal: (signal) => child.kill(signal),
    exited: Promise.all([child.exited, ...streams]).then(([exitCode]) => exitCode),
    family,
    async [Symbol.asyncDispose]() {
      family()
      child.kill('SIGKILL')
      await child.exited
      await eventually(() => survivors(known).every((command) => command.includes('postgres')))
    },
  }
}
