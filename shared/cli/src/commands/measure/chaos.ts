import { join } from 'node:path'
import { defineCommand } from '../../command-line/command.ts'
import { runProgram } from '../../command-line/run-program.ts'
import { repositoryRoot } from '../../workspace/packages.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Breaks the network, the server and the connection layer's options at random while callers work, and compares what they
were answered with what the server has. Each seed is one small world; without one, seeds follow each other for the time
given. Ends with 1 when a promise was broken, with the seed and what happened last.`,
  options: {
    seed: { type: 'string', value: 'number', description: 'Run one seed; with --minutes again and again.' },
    minutes: {
      type: 'string',
      value: 'number',
      description: 'How long to go on. Default 2, or one seed once.',
    },
    workload: {
      type: 'string',
      value: 'name',
      description: 'Run one kind of work: mixed, deadlines, types or cluster. Default: as the seed draws it.',
    },
    'go-on': { type: 'boolean', description: 'Go on after a broken promise, and print all at the end.' },
  },
  positionals: false,
  run({ values }) {
    const { 'go-on': isToGoOn, ...given } = values
    const options = Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    )
    return runProgram(join(repositoryRoot, 'shared/database/test/chaos/main.ts'), [
      ...options,
      ...(isToGoOn ? ['--go-on'] : []),
    ])
  },
})
