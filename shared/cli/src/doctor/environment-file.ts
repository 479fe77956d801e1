import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { repositoryRoot } from '../workspace/packages.ts'
import type { Service } from '../workspace/services.ts'
import { foreignVariable } from './foreign-variables.ts'

/** A line of a service's `.env.local` that has to change. */
export interface LineChange {
  readonly variable: string
  /** Null: the line goes. */
  readonly line: string | null
  /** What changes, without a value of a secret. */
  readonly text: string
}

/** Where a service's own variables are. */
export function localFile({ folder }: Service): string {
  return join(folder, '.env.local')
}

/** Works out what `.env.local` should say instead; `shared` is the login that several services have. */
export function planChanges(service: Service, shared: string | null): LineChange[] {
  const file = localFile(service)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  const names = lines.map(variableOf)
  return lines.flatMap((line, index): LineChange[] => {
    const variable = names[index]
    if (variable === null || variable === undefined) return []
    const foreign = foreignVariable(variable)
    if (foreign?.ours === null)
      return [{ variable, line: null, text: `${variable} is not needed: ${foreign.why}` }]
    if (foreign !== null && foreign.ours !== null && !names.includes(foreign.ours)) {
      const renamed = line.replace(variable, foreign.ours)
      return [
        { variable, line: withOwnLogin(renamed, shared), text: `${variable} is called ${foreign.ours} here` },
      ]
    }
    const changed = withOwnLogin(line, shared)
    if (changed === line) return []
    const text = `${variable} names "${shared}": the service gets a login of its own, made by db:provision`
    return [{ variable, line: changed, text }]
  })
}

/** Writes the changes; what the file was before is kept beside it. Returns both paths from the repository's root. */
export function applyChanges(
  service: Service,
  changes: readonly LineChange[],
): { file: string; before: string } {
  const file = localFile(service)
  const before = join(service.folder, '.env.before-doctor.local')
  const text = readFileSync(file, 'utf8')
  if (!existsSync(before)) writeFileSync(before, text, { mode: 0o600 })
  const lines = text.split('\n').flatMap((line) => {
    const change = changes.find(({ variable }) => variable === variableOf(line))
    return change === undefined ? [line] : change.line === null ? [] : [change.line]
  })
  writeFileSync(file, lines.join('\n'))
  return { file: relative(repositoryRoot, file), before: relative(repositoryRoot, before) }
}

const variableOf = (line: string): string | null => /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] ?? null

/** The same line without the login that several services share: the service's own is in its environment files. Null: it goes. */
function withOwnLogin(line: string, shared: string | null): string | null {
  if (shared === null) return line
  const name = variableOf(line)
  if (name === 'DATABASE_URL') return line.replace(/(:\/\/)[^@/\s"']*@/, '$1')
  return name === 'DATABASE_USER' || name === 'DATABASE_PASSWORD' ? null : line
}
