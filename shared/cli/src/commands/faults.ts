import { join } from 'node:path'
import { defineCommand } from '../command.ts'
import { repositoryRoot } from '../workspace.ts'

const program = join(repositoryRoot, 'shared/database/bench/faults/main.ts')

export const command = defineCommand({
  synopsis: '',
  description: `
Measures what callers see when a server restarts, crashes, goes silent or refuses: this connection layer beside Drizzle
on postgres.js, on pg and on Bun.SQL, each in a process of its own, on a server of its own. Takes some minutes.`,
  options: {
    json: { type: 'boolean', description: 'Print one JSON document.' },
    only: { type: 'string', value: 'scenario', description: 'Run one scenario; a wrong name lists them.' },
  },
  positionals: false,
  async run({ values }) {
    const options = [...(values.json ? ['--json'] : []), ...(values.only ? ['--only', values.only] : [])]
    const child = Bun.spawn([process.execPath, program, ...options], {
      stdio: ['inherit', 'inherit', 'inherit'],
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => child.kill(signal))
    return await child.exited
  },
})
