/** A process that takes commands and gives answers. */
export interface Spawned<Command> extends AsyncDisposable {
  send(command: Command): void
}

/**
 * Starts a program of a peer: what breaks its process is a result, not an end. Disposing kills it.
 *
 * @param options.launcher What starts it, in place of being started at once.
 * @param options.onEnd Called when the process has ended, with how, or with the signal's reason if that fired.
 */
export function spawn<Command, Answer>(options: {
  file: string
  launcher?: readonly string[]
  signal: AbortSignal
  onAnswer: (answer: Answer) => void
  onEnd: (error: unknown) => void
}): Spawned<Command> {
  const { file, launcher = [], signal, onAnswer, onEnd } = options
  const child = Bun.spawn([...launcher, process.execPath, file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    serialization: 'json',
    ipc: onAnswer,
  })
  const stderr = child.stderr.text()
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  child.exited.then(async () => {
    const last = (await stderr).trim().split('\n').at(-1) ?? ''
    const how = `its process ended (${child.signalCode ?? child.exitCode}) ${last}`.trim()
    onEnd(signal.reason ?? new Error(how))
  })
  return {
    send: (command) => child.send(command),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop)
      stop()
      await child.exited
    },
  }
}
