import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeComposeSecrets } from '../../src/compose/secrets.ts'
import { repositoryRoot } from '../../src/workspace/packages.ts'

/** The secrets of docker-compose.yml, made for a test. */
export interface SecretFolder {
  readonly path: string
  remove(): void
}

/** Makes every secret that docker-compose.yml names, in a temporary folder. */
export function makeSecrets(): SecretFolder {
  const root = mkdtempSync(join(tmpdir(), 'compose-'))
  cpSync(join(repositoryRoot, 'docker-compose.yml'), join(root, 'docker-compose.yml'))
  writeComposeSecrets(root)
  return { path: join(root, '.secrets'), remove: () => rmSync(root, { recursive: true }) }
}
