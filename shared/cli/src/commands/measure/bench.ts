import { join } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { runProgram } from '../../command-line/run-program.ts'
import { repositoryRoot } from '../../workspace/packages.ts'
import { benchArguments, benchOptions } from './bench-options.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Measures the connection layer beside Drizzle on postgres.js, on pg and on Bun.SQL, beside the bare drivers and beside
other pools: all in one process, in rounds whose order rotates, on a server of its own. Takes some minutes.`,
  options: benchOptions,
  positionals: false,
  run: ({ values }) =>
    runProgram(join(repositoryRoot, 'shared/database/bench/main.ts'), benchArguments(values)),
})
