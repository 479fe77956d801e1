import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Option, optionGroups } from '@shared/database'
import { defineCommand } from '../command-line/command.ts'
import { optionDocuments } from '../options/documents.ts'
import { defaultOf, takes } from '../options/text.ts'
import { paint } from '../terminal/paint.ts'
import { repositoryRoot } from '../workspace/packages.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Shows every option of pool, connection and reads from standbys, with its default, what it takes and the variable of a service that sets it.
They are entries of tables: pool-options.ts of shared/pool and options.ts of shared/database. After a change of one, --save writes
what is made from them: the doc comments there, each service's .env.example and the tables in README.md files.`,
  options: {
    save: { type: 'boolean', description: 'Write comments, .env.example and README.md files again.' },
  },
  positionals: false,
  async run({ values }) {
    if (values.save) await save()
    else console.log(Object.entries(optionGroups).flatMap(showGroup).join('\n\n'))
    return 0
  },
})

function showGroup([group, table]: [string, Readonly<Record<string, Option>>]): string[] {
  return Object.entries(table).map(([name, option]) =>
    [
      `${paint('cyan', `${group}.${name}`)}  ${option.variable}`,
      `  ${option.sentence}`,
      `  Takes ${takes(option)}${option.kind === 'time' ? ' (its variable takes seconds)' : ''}. Default: ${defaultOf(option)}.`,
    ].join('\n'),
  )
}

async function save(): Promise<void> {
  const outdated = (await optionDocuments()).filter(({ text, expected }) => text !== expected)
  for (const { path, expected } of outdated) {
    writeFileSync(join(repositoryRoot, path), expected)
    console.log(`wrote ${path}`)
  }
  if (outdated.length === 0) console.log('nothing to write: every file says what the tables say')
}
