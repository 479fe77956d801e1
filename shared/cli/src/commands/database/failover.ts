import { failOver } from '@shared/postgres'
import { defineCommand } from '../../command-line/command.ts'
import { notice } from '../../command-line/notice.ts'
import { dataRootOption, localSettings } from '../../databases/admin-server.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Promotes a standby of the local PostgreSQL under everything that uses it. The primary is stopped first, in order, so that
nothing that was committed is lost; then it comes back as a standby, on its own port. Standbys come from dev --replicas or
db:start --replicas.`,
  options: {
    kill: {
      type: 'boolean',
      description: 'Kill the primary instead: what no standby has got by then is lost.',
    },
    ...dataRootOption,
  },
  positionals: false,
  async run({ values }) {
    const { primary, standbys } = await failOver({
      dataRoot: values['data-root'],
      kill: values.kill,
      settings: localSettings(),
      onNotice: notice,
    })
    console.log(`the primary is on port ${primary} now; standbys are on ${standbys.join(', ')}`)
    return 0
  },
})
