import { startPostgres } from '@shared/postgres'
import { positiveNumber } from '../../command-line/arguments.ts'
import { defineCommand } from '../../command-line/command.ts'
import { dataRootOption, localSettings, preferredPort } from '../../databases/admin-server.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Starts the local PostgreSQL and leaves it running until db:stop; databases and roles come from db:provision (or dev).`,
  options: {
    port: {
      type: 'string',
      value: 'port',
      description: 'Preferred port. Default: what .env.development names.',
    },
    'show-password': { type: 'boolean', description: "Print the superuser's URL with its password." },
    ...dataRootOption,
  },
  positionals: false,
  async run({ values }) {
    const server = await startPostgres({
      dataRoot: values['data-root'],
      port: positiveNumber('--port', values.port, preferredPort(await findServices([]))),
      lifetime: 'daemon',
      settings: localSettings(),
      onNotice: (line) => console.error(line),
    })
    const { host, port, version, startedHere } = server
    console.log(`PostgreSQL ${version} on ${host}:${port} (${startedHere ? 'started' : 'ran already'})`)
    const url = new URL(server.adminUrl)
    if (!values['show-password']) url.password = '***'
    console.log(`superuser: ${url.href}${values['show-password'] ? '' : ' (--show-password shows it)'}`)
    console.log(`log: ${server.logFile}`)
    await server.release()
    return 0
  },
})
