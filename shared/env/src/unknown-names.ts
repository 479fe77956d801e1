import type { Issues } from './issues.ts'
import { editDistance, suggest } from './suggest.ts'

/**
 * Reports each variable that begins with one of the prefixes and is not known: a typo would otherwise be ignored.
 *
 * A misspelt prefix (DATABSE_URL) is reported only when a known name is near, as other programs have names too.
 */
export function reportUnknownNames(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
  prefixes: readonly string[],
  issues: Issues,
): void {
  const candidates = known.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
  for (const name of Object.keys(environment)) {
    if (known.includes(name)) continue
    const owned = prefixes.some((prefix) => name.startsWith(prefix))
    if (!owned && !prefixes.some((prefix) => isMisspelt(name, prefix))) continue
    const meant = suggest(name, candidates)
    if (meant) issues.add(name, `is not known: did you mean ${meant}?`)
    else if (owned) issues.add(name, 'is not known: remove it, or see .env.example for the names there are')
  }
}

function isMisspelt(name: string, prefix: string): boolean {
  const end = name.indexOf('_') + 1
  return end > 4 && editDistance(name.slice(0, end), prefix) <= 2
}
