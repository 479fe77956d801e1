import { lastPort, startLocalCluster } from '@shared/postgres'
import { count, positiveNumber } from '../../command-line/arguments.ts'
import { defineCommand } from '../../command-line/command.ts'
import { notice } from '../../command-line/notice.ts'
import { dataRootOption, localSettings, preferredPort, replicasOption } from '../../databases/admin-server.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Starts the local PostgreSQL, with the standbys that were made for it, and leaves it running until db:stop, or until the
end of a dev that runs now; databases and roles come from db:provision (or dev).`,
  options: {
    port: {
      type: 'string',
      value: 'port',
      description:
        'Preferred port. Default: the one it had last, which services that run know; the first time what .env.development names.',
    },
    'show-password': { type: 'boolean', description: "Print the superuser's URL with its password." },
    ...replicasOption,
    ...dataRootOption,
  },
  positionals: false,
  async run({ values }) {
    const usualPort = lastPort({ dataRoot: values['data-root'] }) ?? preferredPort(await findServices([]))
    const cluster = await startLocalCluster({
      dataRoot: values['data-root'],
      standbys: count('--replicas', values.replicas),
      port: positiveNumber('--port', values.port, usualPort),
      lifetime: 'daemon',
      settings: localSettings(),
      onNotice: notice,
    })
    const { primary, standbys } = cluster
    for (const server of [primary, ...standbys]) {
      const name = server === primary ? `PostgreSQL ${server.version}` : 'standby'
      console.log(
        `${name} on ${server.host}:${server.port} (${server.startedHere ? 'started' : 'ran already'})`,
      )
    }
    const url = new URL(primary.adminUrl)
    if (!values['show-password']) url.password = '***'
    console.log(`superuser: ${url.href}${values['show-password'] ? '' : ' (--show-password shows it)'}`)
    console.log(`log: ${primary.logFile}`)
    await cluster.release()
    return 0
  },
})
