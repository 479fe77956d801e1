import { describe, expect, test } from 'bun:test'
import { isIgnored, readIgnoreFile } from './dockerfile.ts'

describe('services/Dockerfile.dockerignore', () => {
  const secretPaths = [
    '.env',
    '.secrets/postgres_password',
    '.git/config',
    'services/auth/.env',
    'services/auth/.env.local',
    'services/auth/.env.development',
    'services/auth/.env.production',
    'shared/cli/.env.local',
  ]

  test('keeps environment files, secrets, tests and installed packages out of every image', () => {
    const others = [
      'node_modules/hono/package.json',
      'shared/env/node_modules/zod/index.js',
      'shared/database/bench/pool.ts',
      'shared/service/test/log-lines.ts',
      'shared/service/src/app.test.ts',
      'services/Dockerfile',
      'services/deploy/base/auth/jobs.yaml',
      'docker-compose.yml',
    ]
    expect([...secretPaths, ...others].filter((path) => !isIgnored(path))).toEqual([])
  })

  test('lets code, migrations and manifests through', () => {
    const needed = [
      'bun.lock',
      'drizzle/auth/migrations/0000_init.sql',
      'drizzle/auth/migrations/meta/_journal.json',
      'services/auth/src/env.ts',
      'shared/cli/src/commands/test.ts',
      'shared/service/src/testing/index.ts',
    ]
    expect(needed.filter((path) => isIgnored(path))).toEqual([])
  })

  test('is found wrong without its line about environment files', () => {
    const without = readIgnoreFile().filter((line) => line !== '**/.env*')
    expect(secretPaths.filter((path) => !isIgnored(path, without))).toEqual(
      secretPaths.filter((path) => path.includes('/.env')),
    )
  })
})
