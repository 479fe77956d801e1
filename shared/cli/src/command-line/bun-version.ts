import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What to tell a Bun that is older than the one of package.json, null for one that is not. It is compared by its first two
 * numbers: a newer one may do, and an older one lacks what is used here.
 */
export function oldBunMessage(version: string, wanted: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return null
  return (
    `This is Bun ${version}, and the project needs ${wanted} or later: run bun upgrade, ` +
    `or leave it as it is and use npx --yes bun@${wanted} run <command>.`
  )
}

/** Ends the process under a Bun that is too old. In syntax and modules that every Bun has. */
export function refuseOldBun(version = process.versions.bun ?? '0'): void {
  const manifest = JSON.parse(readFileSync(join(import.meta.dir, '../../../../package.json'), 'utf8'))
  const message = oldBunMessage(version, String(manifest.engines.bun))
  if (message === null) return
  console.error(message)
  process.exit(1)
}
