import { ConsolePortError, serveConsole } from '@shared/console'
import { describeHolder } from '@shared/postgres'
import { defineCommand } from '../command-line/command.ts'
import { CommandError } from '../command-line/errors.ts'
import { aborted, listenForStop } from '../command-line/stop-request.ts'
import { consolePort, targetsOf } from '../reports/console.ts'
import { composeEnvironments } from '../workspace/service-environment.ts'
import { findServices } from '../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Serves a web page with the connection pools of the running services, until Ctrl-C. bun run dev serves it too.

The page shows what the services guard by HEALTH_TOKEN to everyone who can reach it, so it listens on this machine only
unless --host names another address. The tokens themselves stay in this process.`,
  options: {
    port: {
      type: 'string',
      short: 'p',
      value: 'port',
      description: 'Default: CONSOLE_PORT, else 8000; 0 takes a free one.',
    },
    host: { type: 'string', value: 'address', description: 'Default 127.0.0.1.' },
  },
  positionals: true,
  async run({ values, positionals }) {
    const fallback = consolePort('CONSOLE_PORT', process.env.CONSOLE_PORT)
    const port = consolePort('--port', values.port, fallback)
    const targets = targetsOf(composeEnvironments(await findServices(positionals)))
    using stop = listenForStop()
    const server = await start(() => serveConsole({ targets, port, host: values.host }))
    console.log(`console: ${server.url}`)
    await aborted(stop.signal)
    await server.stop()
    return 0
  },
})

async function start<T>(serve: () => T): Promise<T> {
  try {
    return serve()
  } catch (error) {
    if (!(error instanceof ConsolePortError)) throw error
    const holder = error.taken ? ` by ${await describeHolder(error.port)}` : ''
    throw new CommandError(
      `${error.message}${holder}. bun run dev serves the console itself; --port takes another one.`,
      { cause: error },
    )
  }
}
