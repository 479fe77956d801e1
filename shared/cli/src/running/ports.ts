import { createServer } from 'node:net'
import { describeHolder } from '@shared/postgres'
import { CommandError } from '../command-line/errors.ts'
import { listenAddress, type ServiceSetup } from '../workspace/service-environment.ts'

/**
 * Gives every service a port that is free now: its own, or any where that is 0.
 *
 * @throws {CommandError} Ports are taken: which, by what, and what to do.
 */
export async function claimPorts(setups: readonly ServiceSetup[]): Promise<ServiceSetup[]> {
  const problems: string[] = []
  const claimed = await Promise.all(
    setups.map(async (setup, index) => {
      const { host, port } = listenAddress(setup)
      const free = await freePort(host, port)
      if (free !== 'taken') return { ...setup, environment: { ...setup.environment, PORT: String(free) } }
      problems[index] = `${setup.service.service}: port ${port} is taken by ${await describeHolder(port)}`
      return setup
    }),
  )
  if (problems.length > 0) {
    const advice =
      'Stop what is there (another bun run dev?) or set another PORT in services/<name>/.env.local. Nothing was started.'
    throw new CommandError([...problems.filter(Boolean), advice].join('\n'))
  }
  return claimed
}

/** The port if it can be bound now (for 0: the one the system gave). */
function freePort(host: string, port: number): Promise<number | 'taken'> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => {
      // An address that is wrong is for the service itself to report.
      resolve('code' in error && error.code === 'EADDRINUSE' ? 'taken' : port)
    })
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port))
    })
  })
}
