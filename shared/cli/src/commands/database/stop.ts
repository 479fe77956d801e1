import { findLocalCluster, stopLocalCluster } from '@shared/postgres'
import { defineCommand } from '../../command-line/command.ts'
import { dataRootOption } from '../../databases/admin-server.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Stops the local PostgreSQL and its standbys, also under a running dev: its services wait and recover when it is started
again. Nothing running is no error.`,
  options: { ...dataRootOption },
  positionals: false,
  async run({ values }) {
    const dataRoot = values['data-root']
    // A server that does not answer is stopped too; only its users are not known.
    const found = await findLocalCluster({ dataRoot }).catch(() => null)
    const stopped = await stopLocalCluster({ dataRoot })
    const used = found?.primary?.users ?? 0
    const users = used > 0 ? `; ${used} running dev or test used it` : ''
    const what = stopped > 1 ? `PostgreSQL stopped, ${stopped} servers${users}` : `PostgreSQL stopped${users}`
    console.log(stopped > 0 ? what : 'PostgreSQL does not run')
    return 0
  },
})
