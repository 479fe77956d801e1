import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { didYouMean } from './arguments.ts'
import { UsageError } from './errors.ts'
import { serviceNames } from './services.ts'
import { repositoryRoot } from './workspace.ts'

/**
 * What bun test takes for what a person names: a service, or a file or folder seen from here or from the root.
 *
 * @throws {UsageError} It is neither.
 */
export function testPaths(names: readonly string[], cwd = process.cwd()): string[] {
  const services = serviceNames()
  return names.map((name) => {
    if (services.includes(name)) return `./services/${name}/`
    const path = [cwd, repositoryRoot]
      .map((folder) => resolve(folder, name))
      .find((candidate) => existsSync(candidate))
    if (path === undefined) {
      throw new UsageError(
        `${name} is no service, file or folder${didYouMean(name, services) || ` (services: ${services.join(', ')})`}`,
      )
    }
    return `./${relative(repositoryRoot, path)}`
  })
}
