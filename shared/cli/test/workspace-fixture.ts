import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A workspace in a temporary folder, removed at the end of its block. */
export interface WorkspaceFixture extends Disposable {
  readonly root: string
}

/** Writes a workspace: a package for each path of `manifests`, and `files` beside them. */
export function createWorkspace(
  manifests: Readonly<Record<string, object>>,
  files: Readonly<Record<string, string>>,
): WorkspaceFixture {
  const root = mkdtempSync(join(tmpdir(), 'workspace-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  write('package.json', JSON.stringify({ workspaces: { packages: ['services/*', 'shared/*', 'drizzle/*'] } }))
  for (const [path, manifest] of Object.entries(manifests))
    write(`${path}/package.json`, JSON.stringify(manifest))
  for (const [path, text] of Object.entries(files)) write(path, text)
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}
