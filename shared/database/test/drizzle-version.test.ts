import { describe, expect, test } from 'bun:test'
import { PgDialect } from 'drizzle-orm/pg-core'
import { npmVersion } from 'drizzle-orm/version'
import { createDrizzleClient } from '../src/drizzle/client.ts'
import { fitsInstalledDrizzle } from '../src/drizzle/faster-0.45/parts.ts'
import { createHandles } from '../src/drizzle/handle.ts'
import { ConfigurationError } from '../src/index.ts'
import { variant } from './conformance/variant.ts'

const isFaster = npmVersion.startsWith('0.45.')

/** A client that answers every statement with the same rows. */
function answering(rows: unknown[]) {
  const refuse = () => Promise.reject(new Error('This client has no transactions.'))
  return createDrizzleClient({
    options: { parsers: {}, serializers: {} },
    run: async () => rows as never,
    begin: refuse,
    savepoint: refuse,
  })
}

const dialectOf = (handle: object) => (handle as { dialect: object }).dialect

describe('the installed drizzle-orm', () => {
  test('is the one that this run is for', () => {
    expect(npmVersion).toStartWith(process.env.EXPECTED_DRIZZLE ?? '0.45.')
  })

  test('has the faster dialect where it is 0.45, and its own elsewhere', () => {
    const dialect = dialectOf(createHandles({})(answering([])))
    expect(dialect).toBeInstanceOf(PgDialect)
    expect(dialect.constructor.name).toBe(isFaster ? 'FasterDialect' : 'PgDialect')
  })

  test('gets the faster dialect by its version and its shape', () => {
    const versions = ['0.44.7', '0.45.0', '0.45.4', '0.46.0', '1.0.0-rc.5', '1.45.0']
    expect(versions.filter(fitsInstalledDrizzle)).toEqual(isFaster ? ['0.45.0', '0.45.4'] : [])
  })

  test('works by itself where the faster dialect does not fit', async () => {
    const handleOver = createHandles(variant.model, false)
    const [one, other] = [handleOver(answering([{ n: 1 }])), handleOver(answering([{ n: 2 }]))]
    expect(dialectOf(other).constructor.name).toBe('PgDialect')
    expect<unknown>([await one.execute('select n'), await other.execute('select n')]).toEqual([
      [{ n: 1 }],
      [{ n: 2 }],
    ])
    expect(Object.keys(other.query)).toContain('people')
  })

  test('refuses the model of another version, naming what it needs', () => {
    const [model] = Object.values(variant.model)
    const [given, needed] = npmVersion.startsWith('0.') ? ['relations', 'schema'] : ['schema', 'relations']
    expect(() => createHandles({ [given as string]: model })).toThrow(
      new ConfigurationError(
        `Option ${given} is not one for the installed drizzle-orm ${npmVersion}, whose relational queries need ${needed}.`,
      ),
    )
  })

  test('takes its own options, and refuses others and those of another version, naming them', () => {
    const messageOf = (drizzle: unknown) => {
      try {
        createHandles({ drizzle: drizzle as never })
      } catch (error) {
        return error instanceof ConfigurationError ? error.message : error
      }
      return 'taken'
    }
    const isBefore1 = npmVersion.startsWith('0.')
    const known = isBefore1 ? 'casing, logger, cache' : 'logger, cache, jit, codecs, paramsInErrors'
    const unknown = (name: string) =>
      `Unknown option drizzle.${name}. Known to the installed drizzle-orm ${npmVersion} are ${known}.`
    const onlyIn1 = (name: string) => (isBefore1 ? unknown(name) : 'taken')
    expect({
      nothing: messageOf({ logger: undefined }),
      logger: messageOf({ logger: true }),
      list: messageOf([]),
      text: messageOf('all'),
      schema: messageOf({ schema: {} }),
      nonsense: messageOf({ nonsense: 1 }),
      badLogger: messageOf({ logger: console }),
      badCache: messageOf({ cache: new Map() }),
      jit: messageOf({ jit: true }),
      paramsInErrors: messageOf({ paramsInErrors: true }),
      casing: messageOf({ casing: 'snake_case' }),
      badCasing: messageOf({ casing: 'kebab-case' }),
    }).toEqual({
      nothing: 'taken',
      logger: 'taken',
      list: 'taken',
      text: 'Option drizzle must be an object of options, got "all".',
      schema: 'Option drizzle.schema belongs beside drizzle: give it as schema.',
      nonsense: unknown('nonsense'),
      badLogger: 'Option drizzle.logger must be true, false or a logger with logQuery(), got Object.',
      badCache: "Option drizzle.cache must be a Cache of drizzle-orm/cache/core's, got Map.",
      jit: onlyIn1('jit'),
      paramsInErrors: onlyIn1('paramsInErrors'),
      casing: isBefore1
        ? 'taken'
        : `${unknown('casing')} There tables name their columns: snakeCase.table, camelCase.table.`,
      badCasing: isBefore1
        ? 'Option drizzle.casing must be one of "snake_case", "camelCase", got "kebab-case".'
        : `${unknown('casing')} There tables name their columns: snakeCase.table, camelCase.table.`,
    })
  })
})
