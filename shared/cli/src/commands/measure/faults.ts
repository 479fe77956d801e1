import { join } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { runProgram } from '../../command-line/run-program.ts'
import { repositoryRoot } from '../../workspace/packages.ts'
import { benchArguments, benchOptions } from './bench-options.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Measures what callers see when a server restarts, crashes, goes silent or refuses: this connection layer beside Drizzle
on postgres.js, on pg and on Bun.SQL, each in a process of its own, on a server of its own. With --cluster, when the
primary of three servers changes, or a standby that is read from fails. Takes some minutes.`,
  options: {
    cluster: { type: 'boolean', description: 'Break a cluster in place of a single server.' },
    json: benchOptions.json,
    only: benchOptions.only,
    save: { type: 'boolean', description: 'Write the tables into the README.md beside the program.' },
  },
  positionals: false,
  run: ({ values: { cluster, ...values } }) =>
    runProgram(join(repositoryRoot, 'shared/database/bench/faults/main.ts'), [
      ...(cluster ? ['--cluster'] : []),
      ...benchArguments(values),
    ]),
})
