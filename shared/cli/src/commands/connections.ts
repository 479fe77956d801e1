import { positiveNumber } from '../command-line/arguments.ts'
import { defineCommand } from '../command-line/command.ts'
import { dataRootOption, findSetups } from '../databases/admin-server.ts'
import { testConnections } from '../reports/connections.ts'
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
    const setups = await findSetups(await findServices(positionals), { dataRoot: values['data-root'] })
    return await testConnections(setups, { timeoutMs, json: values.json === true })
  },
})
