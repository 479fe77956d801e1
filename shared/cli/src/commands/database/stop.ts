import { findPostgres, stopPostgres } from '@shared/postgres'
import { defineCommand } from '../../command-line/command.ts'
import { dataRootOption } from '../../databases/admin-server.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Stops the local PostgreSQL, also under a running dev: its services wait and recover when it is started again. Nothing
running is no error.`,
  options: { ...dataRootOption },
  positionals: false,
  async run({ values }) {
    const dataRoot = values['data-root']
    // A server that does not answer is stopped too; only its users are not known.
    const found = await findPostgres({ dataRoot }).catch(() => null)
    const stopped = await stopPostgres({ dataRoot })
    const users = found !== null && found.users > 0 ? `; ${found.users} running dev or test used it` : ''
    console.log(stopped ? `PostgreSQL stopped${users}` : 'PostgreSQL does not run')
    return 0
  },
})
