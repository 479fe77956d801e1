import { describe, expect, test } from 'bun:test'
import { parseEnv } from 'node:util'
import { createMigrationEnv, createServiceEnv, renderExample, serviceVariables } from '@shared/env'
import { authService } from './env.ts'

const read = (name: string) => Bun.file(new URL(`../${name}`, import.meta.url)).text()

describe('.env.example of auth', () => {
  test('is what the schema writes, names, defaults and words', async () => {
    expect(await read('.env.example')).toBe(renderExample(authService))
  })

  test('shows the default of every variable that has one', async () => {
    const shown = parseEnv(await read('.env.example'))
    const defaults = serviceVariables(authService).filter((variable) => variable.default !== null)
    expect(shown).toMatchObject(
      Object.fromEntries(defaults.map((variable) => [variable.name, variable.default])),
    )
  })

  test('is a valid environment as it stands', async () => {
    const environment = parseEnv(await read('.env.example'))
    expect(createServiceEnv({ ...authService, environment }).PORT).toBe(authService.port)
  })
})

describe('.env.development of auth', () => {
  test('reaches the local database as the runtime role and as the migrator', async () => {
    const environment = parseEnv(await read('.env.development'))
    const env = createServiceEnv({ ...authService, environment })
    const migration = createMigrationEnv({ ...authService, environment })
    expect({
      NODE_ENV: env.NODE_ENV,
      PORT: env.PORT,
      app: env.DATABASE_URL.reveal(),
      migrator: migration.url.reveal(),
    }).toEqual({
      NODE_ENV: 'development',
      PORT: authService.port,
      app: 'postgresql://auth_app:auth_app_local@127.0.0.1:54320/auth_db?sslmode=prefer',
      migrator: 'postgresql://auth_migrator:auth_migrator_local@127.0.0.1:54320/auth_db?sslmode=prefer',
    })
  })
})
