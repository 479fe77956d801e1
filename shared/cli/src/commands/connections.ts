import { positiveNumber } from '../command-line/arguments.ts'
import { defineCommand } from '../command-line/command.ts'
import { dataRootOption, findServer } from '../databases/admin-server.ts'
import { testConnections } from '../reports/connections.ts'
import { composeEnvironments, onServer } from '../workspace/service-environment.ts'
import { findServices } from '../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Connects to the database of each service at once, as its runtime role and with its own environment. Prints for each
that fails what was refused and what to do. Exit code 1 unless every one succeeds.`,
  options: {
    json: { type: 'boolean', description: 'Print one JSON document.' },
    timeout: { type: 'string', value: 'seconds', description: 'Longest time for each. Default 5.' },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const timeoutMs = positiveNumber('--timeout', values.timeout, 5) * 1000
    const services = await findServices(positionals)
    const server = await findServer({ dataRoot: values['data-root'] })
    const setups = composeEnvironments(services).map((setup) => (server ? onServer(setup, server) : setup))
    const exitCode = await testConnections(setups, { timeoutMs, json: values.json === true })
    if (exitCode !== 0 && server === null && setups.some(({ external }) => !external)) {
      console.error('The local PostgreSQL does not run: start it with bun run dev, or bun run db:start.')
    }
    return exitCode
  },
})
