import { join } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { runProgram } from '../../command-line/run-program.ts'
import { repositoryRoot } from '../../workspace/packages.ts'
import { benchArguments, benchOptions } from './bench-options.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Measures what callers see when a server restarts, crashes, goes silent or refuses: this connection layer beside Drizzle
on postgres.js, on pg and on Bun.SQL, each in a process of its own, on a server of its own. Takes some minutes.`,
  options: { json: benchOptions.json, only: benchOptions.only },
  positionals: false,
  run: ({ values }) =>
    runProgram(join(repositoryRoot, 'shared/database/bench/faults/main.ts'), benchArguments(values)),
})
