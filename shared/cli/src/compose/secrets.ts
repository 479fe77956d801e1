import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repositoryRoot } from '../workspace/packages.ts'

/** The secret that is not random but made of another: the superuser's password, as a URL. */
const adminUrl = { name: 'database_admin_url', password: 'postgres_password' } as const

/**
 * Writes a random value into each file that docker-compose.yml takes a secret from and that is missing.
 *
 * What is there stays: the server keeps the superuser's password that its volume was made with. The folder is its
 * owner's alone and ignores itself in git; the files in it are readable by all, as the containers' users, for whom Docker
 * mounts them one by one, are not the owner.
 *
 * @returns The names of the secrets that were written.
 */
export function writeComposeSecrets(root = repositoryRoot): string[] {
  const files = secretFiles(root)
  const written: string[] = []
  const write = (name: string, file: string, value: string): void => {
    rmSync(file, { force: true })
    writeFileSync(file, `${value}\n`, { mode: 0o444, flag: 'wx' })
    written.push(name)
  }
  for (const folder of new Set(Object.values(files).map(dirname))) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!existsSync(join(folder, '.gitignore'))) writeFileSync(join(folder, '.gitignore'), '*\n')
  }
  for (const [name, file] of Object.entries(files)) {
    if (name !== adminUrl.name && !existsSync(file)) write(name, file, randomBytes(32).toString('base64url'))
  }
  const { [adminUrl.name]: urlFile, [adminUrl.password]: passwordFile } = files
  if (urlFile === undefined || passwordFile === undefined) return written
  if (existsSync(urlFile) && !written.includes(adminUrl.password)) return written
  const password = encodeURIComponent(readFileSync(passwordFile, 'utf8').replace(/(\r?\n)+$/, ''))
  write(adminUrl.name, urlFile, `postgresql://postgres:${password}@postgres:5432/postgres?sslmode=disable`)
  return written
}

function secretFiles(root: string): Record<string, string> {
  const compose = Bun.YAML.parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
    secrets: Record<string, { file: string }>
  }
  return Object.fromEntries(
    Object.entries(compose.secrets).map(([name, { file }]) => [name, join(root, file)]),
  )
}

if (import.meta.main) {
  const written = writeComposeSecrets()
  console.log(written.length === 0 ? 'every secret is there already' : `wrote ${written.join(', ')}`)
}
