import { describe, expect, test } from 'bun:test'
import { ConfigurationError, checkOf, type OptionTable } from '@shared/pool'
import { createDatabase } from './database.ts'
import { optionGroups, resolveConnectionOptions, resolvePoolOptions } from './options.ts'

describe('options', () => {
  test('defaults are complete and frozen', () => {
    const options = resolvePoolOptions()
    expect(options).toMatchObject({
      poolSize: 10,
      maxOverflow: 20,
      checkoutTimeoutMs: 30_000,
      recycleMs: 3_600_000,
      prePing: true,
    })
    expect(Object.isFrozen(options)).toBe(true)
  })

  test('undefined keeps the default and 0 is not lost', () => {
    expect(resolvePoolOptions({ poolSize: undefined, maxOverflow: 0, prePingIdleMs: 0 })).toMatchObject({
      poolSize: 10,
      maxOverflow: 0,
      prePingIdleMs: 0,
    })
  })

  test.each([
    ['poolSize', 0],
    ['poolSize', 1.5],
    ['poolSize', Number.NaN],
    ['poolSize', '10'],
    ['maxOverflow', -2],
    ['checkoutTimeoutMs', 0],
    ['checkoutTimeoutMs', -1],
    ['checkoutTimeoutMs', Number.POSITIVE_INFINITY],
    ['maxWaiting', -1],
    ['recycleMs', 0],
    ['recycleMs', Number.NaN],
    ['idleTimeoutMs', -5],
    ['prePing', 'false'],
    ['prePingIdleMs', -1],
    ['prePingTimeoutMs', 0],
    ['sharedDepth', 0],
    ['sharedDepth', 91],
    ['slowStatementMs', 0],
    ['resetOnCheckin', 'commit'],
  ])('pool.%s refuses %p and says what it wants', (option, value) => {
    const resolve = () => resolvePoolOptions({ [option]: value })
    expect(resolve).toThrow(ConfigurationError)
    expect(resolve).toThrow(new RegExp(`^Option pool\\.${option} must be .+, got `))
  })

  test.each([
    ['connectTimeoutMs', 0],
    ['statementTimeoutMs', -1],
    ['prepare', 1],
    ['maxPreparedStatements', -1],
    ['sslMode', 'allow'],
    ['sslRootCert', 5],
    ['applicationName', 'n'.repeat(64)],
    ['applicationName', {}],
  ])('connection.%s refuses %p', (option, value) => {
    expect(() => resolveConnectionOptions({ [option]: value })).toThrow(`Option connection.${option} must be`)
  })

  test('an unknown name is an error that lists the known ones', () => {
    expect(() => resolvePoolOptions({ size: 3 } as never)).toThrow(
      /Unknown option pool\.size\. Known are poolSize, /,
    )
    expect(() => resolvePoolOptions({ toString: 3 } as never)).toThrow('Unknown option pool.toString')
  })

  test('one that is spelt otherwise, or belongs elsewhere, is named', () => {
    const messageOf = (fn: () => unknown) => {
      try {
        fn()
      } catch (error) {
        return error instanceof ConfigurationError && error.message
      }
    }
    const create = (option: object) => () =>
      createDatabase({ name: 'x', url: 'postgres://a:b@localhost/c', ...option })
    const known =
      'Known are name, url, passwordFile, directUrl, schema, relations, drizzle, types, replicas, pool, connection, comments, hot, onConnect, beforeCheckout, onNotice, onEvent.'
    expect({
      spelling: messageOf(() => resolvePoolOptions({ poolsize: 3 } as never)),
      group: messageOf(() => resolvePoolOptions({ retryReads: true } as never)),
      poolSize: messageOf(create({ poolSize: 5 })),
      retryReads: messageOf(create({ retryReads: true })),
      nonsense: messageOf(create({ nonsense: 1 })),
      casing: messageOf(create({ casing: 'snake_case' })),
    }).toEqual({
      spelling: 'Unknown option pool.poolsize. Did you mean pool.poolSize?',
      group: 'Unknown option pool.retryReads. Did you mean connection.retryReads?',
      poolSize: 'Unknown option poolSize. Did you mean pool.poolSize?',
      retryReads: 'Unknown option retryReads. Did you mean connection.retryReads?',
      nonsense: `Unknown option nonsense. ${known}`,
      casing: `Unknown option casing. ${known}`,
    })
  })
})

describe('the tables of options', () => {
  const entries = Object.values<OptionTable>(optionGroups).flatMap((table) => Object.entries(table))

  test.each(entries)('%s has a default that it takes, and says what it does', (_, option) => {
    const takesDefault = option.default === undefined || checkOf(option).ok(option.default)
    const choices = option.kind === 'choice' ? option.choices : []
    const unnamed = choices.filter((choice) => !option.sentence.includes(choice))
    expect({ takesDefault, unnamed, ends: option.sentence.at(-1) }).toEqual({
      takesDefault: true,
      unnamed: [],
      ends: '.',
    })
  })

  test('have no name and no variable twice, and a sentence names only options that there are', () => {
    const names = entries.map(([name]) => name)
    const variables = entries.map(([, { variable }]) => variable)
    const named = entries.flatMap(([, { sentence }]) =>
      [...sentence.matchAll(/`(.+?)`/g)].map(([, name]) => name),
    )
    expect({
      names: new Set(names).size,
      variables: new Set(variables).size,
      unknown: named.filter((name) => !names.includes(name ?? '')),
    }).toEqual({ names: names.length, variables: names.length, unknown: [] })
  })

  test('give the types of their values', () => {
    const pool = resolvePoolOptions({ resetOnCheckin: 'rollback' })
    const connection = resolveConnectionOptions({ sslRootCert: '/ca.pem' })
    const typed: [number, boolean, 'discard' | 'rollback', string | undefined] = [
      pool.poolSize,
      pool.prePing,
      pool.resetOnCheckin,
      connection.sslRootCert,
    ]
    expect(typed).toEqual([10, true, 'rollback', '/ca.pem'])
    // @ts-expect-error not a choice
    expect(() => resolvePoolOptions({ resetOnCheckin: 'none' })).toThrow('one of discard, rollback')
  })
})
