import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import postgres, { type Sql } from 'postgres'
import { listDifferences } from './compare.ts'
import { timeoutMs, topics } from './run-cases.ts'
import { connections, type Lender, lendStock, openSide, type Side } from './sides.ts'
import { drizzleOver, variant } from './variant.ts'

function lend(client: Sql, seen: Sql): Lender {
  const handle = drizzleOver(seen)
  return { lend: (use) => use(handle), close: () => client.end({ timeout: 1 }) }
}

function connect(url: string): Sql {
  return postgres(url, { max: connections, onnotice: () => {} })
}

/**
 * Drizzle’s codecs reach the client it is given, but not the one that talks to the server. Only for cases without a
 * value that postgres.js' own codecs refuse: after one the driver sometimes never settles another.
 */
function lendWithoutCodecs(url: string): Lender {
  const client = connect(url)
  const { parsers, serializers } = client.options
  const options = { ...client.options, parsers: { ...parsers }, serializers: { ...serializers } }
  return lend(client, Object.assign(Object.create(client), { options }) as Sql)
}

/** Transactions and savepoints that run their statements but never begin, commit or roll back. */
function lendWithoutTransactions(url: string): Lender {
  const client = connect(url)
  const scope = <T>(fn: (client: unknown) => Promise<T>) => fn(spoilt)
  const spoilt = { options: client.options, unsafe: client.unsafe, begin: scope, savepoint: scope }
  return lend(client, spoilt as unknown as Sql)
}

/** Rows come as strings of their JSON and back: prototypes, dates, counts and columns are lost. */
function lendCopies(url: string): Lender {
  const client = connect(url)
  const unsafe = (...args: Parameters<Sql['unsafe']>) => {
    const query = client.unsafe(...args)
    const copied = (work: PromiseLike<unknown>) =>
      Object.assign(
        Promise.resolve(work).then((rows) => JSON.parse(JSON.stringify(rows))),
        { values: () => copied(query.values()) },
      )
    return copied(query)
  }
  return lend(client, { options: client.options, begin: client.begin, unsafe } as unknown as Sql)
}

const faults: readonly (readonly [fault: string, open: (url: string) => Lender, cases: readonly string[]])[] =
  [
    ['without Drizzle’s codecs', lendWithoutCodecs, variant.codecCases],
    [
      'without transactions',
      lendWithoutTransactions,
      [
        'a thrown error rolls back and is the very error rejected with',
        'a nested rollback undoes only itself',
        'isolation level serializable is set',
        'set local and temporary tables end with their transaction',
      ],
    ],
    [
      'with copied rows',
      lendCopies,
      [
        'execute gives a result of rows with count, command and columns',
        'insert without returning gives an empty result with its count',
        'a bytea custom type keeps every byte of a Uint8Array',
      ],
    ],
  ]

const caseNamed = (name: string) => {
  const found = Object.values(topics)
    .flat()
    .find((each) => each.name === name)
  if (!found) throw new Error(`No case is named ${name}`)
  return found
}

for (const [fault, open, names] of faults) {
  describe(`a handle ${fault} is found out by the case:`, () => {
    const databases: TestDatabase[] = []
    let sides: Side[] = []

    beforeAll(async () => {
      databases.push(await withDatabase(), await withDatabase())
      const openers = { stock: lendStock, [fault]: open }
      sides = await Promise.all(
        Object.entries(openers).map(([name, opener], index) =>
          openSide({ name, url: databases[index]?.ownerUrl ?? '', open: opener }),
        ),
      )
    })

    afterAll(async () => {
      await Promise.all(sides.map((side) => side.close()))
      await Promise.all(databases.map((database) => database.drop()))
    })

    for (const name of names) {
      test(
        name,
        async () => {
          const [expected, received] = await Promise.all(sides.map((side) => side.run(caseNamed(name))))
          if (expected === undefined || received === undefined) throw new Error('Two sides are needed')
          expect(listDifferences(expected, received)).not.toEqual([])
        },
        timeoutMs,
      )
    }
  })
}
