import { join } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { runProgram } from '../../command-line/run-program.ts'
import { repositoryRoot } from '../../workspace/packages.ts'
import { benchArguments, benchOptions } from './bench-options.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Measures the services, each in a process of its own, under a load generator in another: requests a second, latencies,
memory, time to ready. Beside a plain Hono route and beside the same route on stock Drizzle. Takes some minutes.`,
  options: benchOptions,
  positionals: false,
  run: ({ values }) =>
    runProgram(join(repositoryRoot, 'shared/service/bench/main.ts'), benchArguments(values)),
})
