import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectionStringKeywords, type OptionTable, optionGroups } from '@shared/database'
import { renderExample, renderVariableTable } from '@shared/env'
import { repositoryRoot } from '../workspace/packages.ts'
import { findServices } from '../workspace/services.ts'
import { defaultOf, describeOption, takes } from './text.ts'

/** A file that shows options, by its path from the repository's root: as it is, and as the tables of options have it. */
export interface OptionDocument {
  readonly path: string
  readonly text: string
  readonly expected: string
}

const { pool, connection, replicas } = optionGroups

/** Every file with something of the tables in it, but for code. */
const writers: Readonly<Record<string, (text: string) => string>> = {
  // Its reader wants a few: the mark names them.
  'README.md': (text) => withBlock(text, 'variables', (names) => renderVariableTable(names)),
  'shared/env/README.md': (text) => withBlock(text, 'variables', () => renderVariableTable()),
  'shared/database/README.md': (text) =>
    Object.entries(optionGroups).reduce(
      (filled, [group, table]) => withBlock(filled, `${group} options`, () => renderOptions(table)),
      text,
    ),
  'shared/database/src/connection/connection-string/README.md': (text) =>
    Object.entries(connectionStringKeywords).reduce(
      (written, [whose, table]) => withBlock(written, `${whose} keywords`, () => renderKeywords(table)),
      text,
    ),
  'shared/pool/src/pool-options.ts': (text) => withComments(text, pool),
  'shared/database/src/options.ts': (text) => withComments(withComments(text, connection), replicas),
}

/** Reads every file that shows options, and works out what it has to say. @throws {Error} A file has no place for them. */
export async function optionDocuments(root = repositoryRoot): Promise<OptionDocument[]> {
  const services = await findServices([], root)
  const all = {
    ...writers,
    ...Object.fromEntries(
      services.map(({ own, ...service }) => [
        `services/${service.service}/.env.example`,
        () => renderExample({ ...service, variables: own }),
      ]),
    ),
  }
  return Object.entries(all).map(([path, write]) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, expected: write(text) }
  })
}

/** Fills the lines between `<!-- <name>: begin … -->` and `<!-- <name>: end -->`; words in the first mark are handed on. */
function withBlock(text: string, name: string, render: (words: string[]) => string): string {
  const block = new RegExp(`(<!-- ${name}: begin(.*) -->\n)[\\s\\S]*?(<!-- ${name}: end -->)`)
  const found = block.exec(text)
  if (found === null) throw new Error(`There are no marks <!-- ${name}: begin --> and <!-- ${name}: end -->.`)
  const [whole, begin = '', words = '', end = ''] = found
  const names = words.trim().split(/\s+/).filter(Boolean)
  return text.replace(whole, () => `${begin}${render(names)}\n${end}`)
}

function renderOptions(table: OptionTable): string {
  const rows = Object.entries(table).map(
    ([name, option]) => `| \`${name}\` | ${defaultOf(option)} | ${takes(option)} | ${option.sentence} |`,
  )
  return ['| option | default | takes | |', '|---|---|---|---|', ...rows].join('\n')
}

function renderKeywords(table: (typeof connectionStringKeywords)['libpq']): string {
  const rows = Object.entries(table).map(
    ([name, { answer, does }]) => `| \`${name}\` | ${answer} | ${does} |`,
  )
  return ['| keyword | | |', '|---|---|---|', ...rows].join('\n')
}

/** Writes the doc comment over each entry of a table: editors show it where the option is set. */
export function withComments(source: string, table: OptionTable): string {
  return Object.entries(table).reduce((text, [name, option]) => {
    const entry = new RegExp(`^(?:  /\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\n)?(?=  ${name}: \\{$)`, 'm')
    if (!entry.test(text)) throw new Error(`There is no entry ${name} in the source of its table.`)
    return text.replace(entry, () => comment(describeOption(option)))
  }, source)
}

const longest = 117

function comment(paragraph: string): string {
  if (paragraph.length <= longest - 4) return `  /** ${paragraph} */\n`
  const lines: string[] = []
  // Not within a number: 10 000.
  for (const word of paragraph.split(/ (?!\d{3}(?!\d))/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length + 1 > longest) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return ['  /**', ...lines.map((line) => `   * ${line}`), '   */', ''].join('\n')
}
