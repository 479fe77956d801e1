import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server in a process of its own, ready. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number
  /** From the start of the process to the first 200 of `/readyz`. */
  readonly readyMs: number
  /** Memory of the process now, in bytes. */
  rss(): Promise<number>
}

const readyWithinMs = 20_000

/**
 * Starts a program that listens on `PORT` and answers `/readyz`. Its log goes nowhere, as to a collector that keeps up.
 *
 * @throws {Error} It ended, or was not ready within 20 s; with what it wrote to standard error.
 */
export async function startServer(
  entry: string,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const port = await freePort()
  const startedAt = performance.now()
  const child = Bun.spawn([process.execPath, entry], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      ...env,
      PORT: String(port),
    },
    stdio: ['ignore', Bun.file('/dev/null'), 'pipe'],
  })
  const errors = child.stderr.text()
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await child.exited
  }
  const url = `http://127.0.0.1:${port}/readyz`
  const isReady = (): Promise<boolean> =>
    fetch(url).then(
      ({ status }) => status === 200,
      () => false,
    )
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${entry} ended with ${child.exitCode}: ${await errors}`)
    if (performance.now() - startedAt > readyWithinMs) {
      await stop()
      throw new Error(`${entry} is not ready after ${readyWithinMs} ms: ${await errors}`)
    }
    await sleep(1)
  }
  return {
    port,
    readyMs: performance.now() - startedAt,
    rss: () => residentBytes(child.pid),
    [Symbol.asyncDispose]: stop,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

async function residentBytes(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024
  }
  return Number(await Bun.$`ps -o rss= -p ${pid}`.text()) * 1_024
}
