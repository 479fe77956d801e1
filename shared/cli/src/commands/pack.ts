import { rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { defineCommand } from '../command-line/command.ts'
import { UsageError } from '../command-line/errors.ts'
import { pack } from '../pack/pack.ts'
import { publishedScope } from '../pack/published-names.ts'
import { paint } from '../terminal/paint.ts'
import { repositoryRoot } from '../workspace/packages.ts'

export const command = defineCommand({
  synopsis: '',
  description: `
Writes the packages of the connection layer as tarballs that any project installs by path: JavaScript with types beside it, for
Bun and for Node 20.11 or later. What is published is every package with a publishConfig and each of its exports that needs nothing
of this workspace. The version is that of the root's package.json.`,
  options: {
    destination: { type: 'string', value: 'folder', description: 'Where they go. Default: .data/packages' },
    scope: {
      type: 'string',
      value: 'name',
      description: `Scope to publish under. Default: ${publishedScope}`,
    },
  },
  positionals: false,
  async run({ values }) {
    const { scope = publishedScope } = values
    if (!/^@[a-z0-9~][a-z0-9-._~]*$/.test(scope))
      throw new UsageError(`--scope must be the scope of an npm package, as @acme, got ${scope}`)
    const usual = join(repositoryRoot, '.data', 'packages')
    const destination = values.destination === undefined ? usual : resolve(values.destination)
    // Tarballs of an older version are not to be taken for these.
    if (destination === usual) rmSync(usual, { recursive: true, force: true })
    for (const { name, version, file, entries } of await pack({ destination, scope })) {
      console.log(`${paint('cyan', `${name} ${version}`)}  ${relative(process.cwd(), file)}`)
      for (const { subpath, keptBecause } of entries)
        if (keptBecause !== null) console.log(`  without ${subpath}: ${keptBecause}`)
    }
    return 0
  },
})
