import { describe, expect, test } from 'bun:test'
import { parseEnv } from 'node:util'
import { createMigrationEnv, createServiceEnv, renderExample, serviceVariables } from '@shared/env'
import { cartService } from './env.ts'

const read = (name: string) => Bun.file(new URL(`../${name}`, import.meta.url)).text()

describe('.env.example of cart', () => {
  test('is what the schema writes, names, defaults and words', async () => {
    expect(await read('.env.example')).toBe(renderExample(cartService))
  })

  test('shows the default of every variable that has one', async () => {
    const shown = parseEnv(await read('.env.example'))
    const defaults = serviceVariables(cartService).filter((variable) => variable.default !== null)
    expect(shown).toMatchObject(
      Object.fromEntries(defaults.map((variable) => [variable.name, variable.default])),
    )
  })

  test('is a valid environment as it stands', async () => {
    const environment = parseEnv(await read('.env.example'))
    expect(createServiceEnv({ ...cartService, environment }).PORT).toBe(cartService.port)
  })
})

describe('.env.development of cart', () => {
  test('reaches the local database as the runtime role and as the migrator', async () => {
    const environment = parseEnv(await read('.env.development'))
    const env = createServiceEnv({ ...cartService, environment })
    const migration = createMigrationEnv({ ...cartService, environment })
    expect({
      NODE_ENV: env.NODE_ENV,
      PORT: env.PORT,
      app: env.DATABASE_URL.reveal(),
      migrator: migration.url.reveal(),
    }).toEqual({
      NODE_ENV: 'development',
      PORT: cartService.port,
      app: 'postgresql://cart_app:cart_app_local@127.0.0.1:54320/cart_db?sslmode=prefer',
      migrator: 'postgresql://cart_migrator:cart_migrator_local@127.0.0.1:54320/cart_db?sslmode=prefer',
    })
  })
})
