/** Which program to start, and the whole of its environment but PATH. */
export interface StartServiceOptions {
  /** The service's entry file. */
  entry: string
  /** Of bun. Default: none. */
  flags?: readonly string[]
  env: Record<string, string>
}

/** A service in a process of its own. */
export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number
  /** Everything written so far, to standard output and standard error. */
  output(): string
  /** The address it listens on, once its log has it; rejects when the process ends before. */
  url(): Promise<string>
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<number>
}

/** Starts a service as production does. Disposing kills it, whatever state it is in. */
export function startService({ entry, flags = [], env }: StartServiceOptions): ServiceProcess {
  const child = Bun.spawn([process.execPath, ...flags, entry], {
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let output = ''
  const listening = Promise.withResolvers<string>()
  listening.promise.catch(() => undefined)

  async function collect(stream: ReadableStream<Uint8Array>) {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true })
      const address = /listens on (http:\S+?)\/?"/.exec(output)?.[1]
      if (address !== undefined) listening.resolve(address)
    }
  }
  const exited = Promise.all([child.exited, collect(child.stdout), collect(child.stderr)]).then(
    ([exitCode]) => {
      listening.reject(new Error(`the service ended with ${exitCode} before it listened:\n${output}`))
      return exitCode
    },
  )

  return {
    pid: child.pid,
    output: () => output,
    url: () => listening.promise,
    kill: (signal) => child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
