import { migratorVariables } from './migration-variables.ts'
import { serviceTable } from './service-variables.ts'
import { fileVariable, type ServiceDefinition, type Variable } from './variables.ts'

/** One variable as an operator sees it. */
export interface DocumentedVariable {
  readonly name: string
  /** The text used when it is unset, or null when there is none. */
  readonly default: string | null
  readonly description: string
  readonly required: boolean
  /** Hidden when printed, and readable from the file that `<name>_FILE` names. */
  readonly secret: boolean
}

/** Lists every variable of a service, its own and MIGRATION_* included, in the order of its `.env.example`. */
export function serviceVariables(definition: ServiceDefinition): readonly DocumentedVariable[] {
  return documentedEntries(definition).map(([name, variable]) => ({
    name,
    default: variable.default ?? null,
    description: variable.description,
    required: variable.required ?? false,
    secret: variable.secret ?? false,
  }))
}

function documentedEntries(definition: ServiceDefinition): [string, Variable][] {
  return Object.entries({
    ...definition.variables,
    ...serviceTable(definition),
    ...migratorVariables(definition),
  })
}

/** Writes a service's `.env.example`: what is required filled in, the defaults shown, the rest commented out. */
export function renderExample(definition: ServiceDefinition): string {
  const head = [
    `# Every variable of the ${definition.service} service. What is required is filled in, what has a default shows it,`,
    '# commented lines are optional. Locally, .env.development holds working values: put what differs into',
    '# .env.local, which wins over it and which git ignores. Elsewhere set real environment variables.',
    '#',
    '# In such a file Bun expands $, also between quotes: write \\$ for a dollar sign in a password, and put a',
    '# value that holds # or spaces between double quotes. Real variables and _FILE contents are taken as is.',
    '# Times are seconds, decimals allowed. A variable set to nothing counts as unset.',
  ]
  const variables = documentedEntries(definition).map(([name, variable]) =>
    describe(name, variable).join('\n'),
  )
  return `${[head.join('\n'), ...variables].join('\n\n')}\n`
}

function describe(name: string, variable: Variable): string[] {
  const marker = variable.required ? 'Required. ' : ''
  const active = variable.default !== undefined || variable.required
  const lines = [
    ...wrap(`${marker}${variable.description}`).map((line) => `# ${line}`),
    `${active ? '' : '# '}${name}=${variable.default ?? variable.example ?? ''}`,
  ]
  return variable.secret ? [...lines, `# ${fileVariable(name)}=/run/secrets/${name.toLowerCase()}`] : lines
}

function wrap(paragraph: string): string[] {
  const lines: string[] = []
  for (const word of paragraph.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length > 100) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/**
 * Writes variables as a Markdown table for a README, for any service.
 *
 * @param names Those to show, in this order. Default: all.
 * @throws {Error} There is no variable of a name.
 */
export function renderVariableTable(names?: readonly string[]): string {
  const anyService = { service: '<service>', database: '<database>', port: 0 }
  const all = serviceVariables(anyService)
  const shown = names?.map((name) => {
    const variable = all.find((candidate) => candidate.name === name)
    if (!variable) throw new Error(`There is no variable ${name}.`)
    return variable
  })
  const rows = (shown ?? all).map((variable) => [
    variable.secret ? `\`${variable.name}\` (or \`_FILE\`)` : `\`${variable.name}\``,
    renderDefault(variable),
    variable.description,
  ])
  return [
    '| variable | default | |',
    '|---|---|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}

function renderDefault(variable: DocumentedVariable): string {
  if (variable.required) return 'required'
  if (variable.name === 'PORT') return 'the service’s'
  if (variable.default === '<service>') return 'the service’s name'
  return variable.default === null ? '' : `\`${variable.default}\``
}
