import { ConsolePortError, serveConsole } from '@shared/console'
import { describeHolder } from '@shared/postgres'
import { defineCommand } from '../command.ts'
import { consolePort } from '../console-port.ts'
import { CommandError } from '../errors.ts'
import { composeEnvironments } from '../service-environment.ts'
import { findServices } from '../services.ts'
import { aborted, listenForStop } from '../stop-request.ts'
import { targetsOf } from '../targets.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Serves a web page with the connection pools of the running services, until Ctrl-C. bun run dev serves it too.

Whoever reaches the page reads what the services' HEALTH_TOKEN guards, so it listens on this machine only unless --host
says otherwise. The tokens themselves stay in this process.`,
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
