import { createEnv } from '@t3-oss/env-core'
import type { Issues } from './issues.ts'
import type { Values, VariableTable } from './variables.ts'

/** A private copy of an environment, without the variables that are empty: those count as unset. */
export function copyEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
}

/**
 * Reads each variable of a table by its own schema.
 *
 * @returns The values, or nothing when at least one is invalid; each invalid one is then among the issues.
 */
export function readVariables<T extends VariableTable>(
  table: T,
  environment: Readonly<Record<string, string | undefined>>,
  issues: Issues,
): Values<T> | undefined {
  try {
    const values = createEnv({
      server: shapeOf(table),
      // t3-env deletes empty variables from the object it is given, and skips all checks where it sees a `window`.
      runtimeEnv: { ...environment },
      emptyStringAsUndefined: true,
      isServer: true,
      onValidationError: (found) => {
        for (const issue of found) issues.add(nameOf(issue.path), issue.message)
        throw new InvalidVariables()
      },
    })
    // The shape was built from the table, so the values are the table's; the types cannot follow that loop.
    return Object.fromEntries(Object.keys(table).map((name) => [name, values[name]])) as Values<T>
  } catch (error) {
    if (error instanceof InvalidVariables) return undefined
    throw error
  }
}

/** Ends t3-env's validation, whose error callback must not return. */
class InvalidVariables extends Error {}

function shapeOf(table: VariableTable) {
  return Object.fromEntries(
    Object.entries(table).map(([name, { schema, default: text }]) => [
      name,
      text === undefined ? schema.optional() : schema.prefault(text),
    ]),
  )
}

function nameOf(path: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined): string {
  const first = path?.[0]
  return String(typeof first === 'object' ? first.key : first)
}
