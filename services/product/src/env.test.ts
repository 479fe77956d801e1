import { describe, expect, test } from 'bun:test'
import { parseEnv } from 'node:util'
import { createMigrationEnv, createServiceEnv, renderExample, serviceVariables } from '@shared/env'
import { productService } from './env.ts'

const read = (name: string) => Bun.file(new URL(`../${name}`, import.meta.url)).text()

describe('.env.example of product', () => {
  test('is what the schema writes, names, defaults and words', async () => {
    expect(await read('.env.example')).toBe(renderExample(productService))
  })

  test('shows the default of every variable that has one', async () => {
    const shown = parseEnv(await read('.env.example'))
    const defaults = serviceVariables(productService).filter((variable) => variable.default !== null)
    expect(shown).toMatchObject(
      Object.fromEntries(defaults.map((variable) => [variable.name, variable.default])),
    )
  })

  test('is a valid environment as it stands', async () => {
    const environment = parseEnv(await read('.env.example'))
    expect(createServiceEnv({ ...productService, environment }).PORT).toBe(productService.port)
  })
})

describe('.env.development of product', () => {
  test('reaches the local database as the runtime role and as the migrator', async () => {
    const environment = parseEnv(await read('.env.development'))
    const env = createServiceEnv({ ...productService, environment })
    const migration = createMigrationEnv({ ...productService, environment })
    expect({
      NODE_ENV: env.NODE_ENV,
      PORT: env.PORT,
      app: env.DATABASE_URL.reveal(),
      migrator: migration.url.reveal(),
    }).toEqual({
      NODE_ENV: 'development',
      PORT: productService.port,
      app: 'postgresql://product_app:product_app_local@127.0.0.1:54320/product_db?sslmode=prefer',
      migrator:
        'postgresql://product_migrator:product_migrator_local@127.0.0.1:54320/product_db?sslmode=prefer',
    })
  })
})
