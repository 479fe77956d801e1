import { describe, expect, test } from 'bun:test'
import { inspect } from 'node:util'
import { definition, errorOf, parts } from '../test/environments.ts'
import { EnvironmentError } from './environment-error.ts'
import { createServiceEnv } from './service-env.ts'
import { serviceTable } from './service-variables.ts'
import { variableNames } from './variables.ts'

describe('EnvironmentError', () => {
  const error = new EnvironmentError('auth', [
    { variable: 'PORT', message: 'must be a number' },
    { variable: 'DATABASE_URL', message: 'is required' },
  ])

  test('carries a report with a line a variable, and the exit code of a bad configuration', () => {
    expect({
      code: error.code,
      exitCode: error.exitCode,
      name: error.name,
      report: error.report,
      message: error.message,
    }).toEqual({
      code: 'ENVIRONMENT',
      exitCode: 78,
      name: 'EnvironmentError',
      report: [
        'auth: cannot start, fix 2 environment variables:',
        '  PORT          must be a number',
        '  DATABASE_URL  is required',
      ].join('\n'),
      message: error.report,
    })
    expect(Object.isFrozen(error.issues)).toBe(true)
  })

  test('never holds what a variable was set to, whichever it is and however it is wrong', () => {
    const names = variableNames(serviceTable(definition)).filter((name) => name !== 'DATABASE_NAME')
    const wrong = [
      'canary',
      ' canary ',
      'canary\n',
      'postgres://canary:canary@canary:canary/canary?canary=canary',
      '-1canary',
      '/canary!',
    ]
    for (const value of wrong) {
      for (const environment of [
        Object.fromEntries(names.map((name) => [name, value])),
        ...names.map((name) => ({ ...parts, [name]: value, DATABASE_POOL_SIZE: 'x' })),
      ]) {
        const failure = errorOf(() => createServiceEnv({ ...definition, environment }))
        expect(
          `${inspect(failure, { depth: 9 })}${Bun.inspect(failure)}${JSON.stringify(failure)}`,
        ).not.toContain('canary')
      }
    }
  })
})

describe('readOrExit', () => {
  const program = `
    import { createServiceEnv, readOrExit } from ${JSON.stringify(new URL('./index.ts', import.meta.url).pathname)}
    const env = readOrExit(() => createServiceEnv({ service: 'auth', database: 'auth_db', port: 8001 }))
    console.log('started', env.PORT)`
  const run = (environment: Record<string, string>) => {
    // Without the .env files of whatever folder the tests run in.
    const child = Bun.spawnSync([process.execPath, '--no-env-file', '-e', program], {
      env: { PATH: '', ...environment },
    })
    return { exitCode: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() }
  }

  test('prints only the report and exits with 78', () => {
    expect(run({ ...parts, PORT: '0x1F41', DATABASE_NAME: 'cart_db' })).toEqual({
      exitCode: 78,
      out: '',
      err: [
        'auth: cannot start, fix 2 environment variables:',
        '  PORT           must be a whole number from 0 to 65535, in plain digits',
        '  DATABASE_NAME  auth owns auth_db, DATABASE_NAME names cart_db (DATABASE_NAME_CHECK=false allows it)',
        '',
      ].join('\n'),
    })
  })

  test('returns the env when it is right', () => {
    expect(run(parts)).toEqual({ exitCode: 0, out: 'started 8001\n', err: '' })
  })
})
