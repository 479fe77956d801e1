import { describe, expect, test } from 'bun:test'
import { withDescriptions } from '../described-results.ts'
import { inferredType } from '../driver-query.ts'
import {
  backend,
  connectContractClient,
  connectScripted,
  nextTurn,
  thrown,
  written,
} from './contract-client.ts'

describe('a query:', () => {
  test('a lazy one has the handler, and making it sends nothing', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    const { handler } = raw.client.unsafe('select 2')
    await nextTurn()
    expect({ handler: typeof handler, writes: raw.writes.length }).toEqual({ handler: 'function', writes: 2 })
  })

  test('its state is set in the call that sends it, and is the backend with its secret', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    const { query, submit } = raw.hand('select 1')
    submit()
    expect({ state: query.state, lazy: raw.first.state }).toEqual({ state: backend, lazy: backend })
  })

  test('it waits without a state before the login, and behind one whose types are asked for', async () => {
    const raw = await connectScripted()
    const [early, described, behind] = [
      raw.hand('select 1'),
      raw.hand('select $1', ['a']),
      raw.hand('select 2'),
    ]
    early.submit()
    const beforeLogin = early.query.state
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    described.submit()
    behind.submit()
    expect({
      beforeLogin,
      early: early.query.state,
      described: described.query.state,
      behind: behind.query.state,
    }).toEqual({ beforeLogin: null, early: backend, described: backend, behind: null })
  })

  test('only these members of it are read and written', async () => {
    await using raw = await connectContractClient()
    const read = new Set<string>()
    const wrote = new Set<string>()
    const missing = new Set<string>()
    const runWatched = async (
      text: string,
      parameters: unknown[],
      prepare: boolean,
      onlyDescribe = false,
    ) => {
      const { query, answer } = raw.hand(text, parameters, { prepare, values: true })
      query.onlyDescribe = onlyDescribe
      const watched = new Proxy(query, {
        get(target, name: string) {
          read.add(name)
          if (!(name in target)) missing.add(name)
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
        set(target, name: string, value) {
          wrote.add(name)
          return Reflect.set(target, name, value, target)
        },
      })
      raw.submit(watched)
      await answer.catch(() => {})
      // What describes is answered before its Sync is.
      await raw.run('')
    }
    await runWatched('select 1', [], false)
    await runWatched('select $1::int', [1], false)
    for (let n = 0; n < 2; n++) await runWatched('select $1::int + 1', [1], true)
    await runWatched('select $1::int / 0', [1], true)
    await runWatched('select $1::int', [1], false, true)
    await runWatched('create temporary table changing (a int)', [], false)
    await runWatched('select * from changing where $1', [true], true)
    await runWatched('alter table changing alter a type text', [], false)
    await runWatched('select * from changing where $1', [true], true)
    await runWatched('select $1', [undefined], false)
    expect({ read: [...read].sort(), wrote: [...wrote].sort(), missing: [...missing].sort() }).toEqual({
      read: [
        ...[
          'args',
          'cancelled',
          'cursorFn',
          'cursorName',
          'describeFirst',
          'forEachFn',
          'isRaw',
          'onlyDescribe',
        ],
        ...[
          'options',
          'origin',
          'parameters',
          'prepare',
          'prepared',
          'reject',
          'reserve',
          'resolve',
          'retried',
        ],
        ...['signature', 'statement', 'string', 'strings', 'tagged'],
      ],
      wrote: [
        ...[
          'active',
          'describeFirst',
          'parameters',
          'parsing',
          'prepare',
          'prepared',
          'retried',
          'signature',
        ],
        ...['state', 'statement', 'string'],
      ],
      missing: ['cursorFn', 'cursorName', 'forEachFn', 'reserve'],
    })
  })

  test('retried is set before it is executed again, and one that is cancelled by then is not sent', async () => {
    await using raw = await connectContractClient()
    await raw.run('create temporary table changing (a int)')
    const select = () => raw.run('select * from changing where $1', [true], { prepare: true })
    await select()
    await raw.run('alter table changing alter a type text')
    const writes = raw.writes.length
    expect(await select().catch(thrown)).toMatchObject({ code: '0A000', routine: 'RevalidateCachedQuery' })
    await nextTurn()
    expect(raw.writes.slice(writes)).toEqual(['BES'])
    expect(await raw.run('select 1 as one')).toEqual([{ one: 1 }] as never)
  })

  test('its plan is named by its text and by the types of its parameters, inferred from their looks', async () => {
    await using raw = await connectContractClient()
    const values = ['a', 1, 1n, true, new Date(0), Buffer.from('a'), ['a'], [1n], [[true]], [], { a: 1 }]
    const plans: string[] = []
    for (const value of values) {
      const { query, submit, answer } = raw.hand('select $1', [value], { prepare: true })
      submit()
      await answer.catch(() => {})
      plans.push(query.signature)
    }
    expect(plans).toEqual(values.map((value) => `${inferredType(value)}select $1`))
  })

  test('it is prepared where its plan was kept, and has the types and columns that the server described', async () => {
    await using raw = await connectContractClient()
    const runs = []
    for (const value of ['1', '2', new Date(0)]) {
      const { query, submit, answer } = raw.hand('select $1::text as a', [value], { prepare: true })
      submit()
      await answer.catch(() => {})
      const { prepared, statement } = query
      runs.push({
        prepared,
        types: [...(statement?.types ?? [])],
        columns: statement?.columns?.map(({ type }) => type),
      })
    }
    const described = { types: [25], columns: [25] }
    expect(runs).toEqual([
      { prepared: false, ...described },
      { prepared: true, ...described },
      { prepared: false, types: [1184], columns: [25] },
    ])
  })

  test('a description ahead of a Bind is what the rows of that run are read by', async () => {
    await using raw = await connectContractClient()
    const numbers = () => raw.run('select $1::int as n', [1], { prepare: true })
    const texts = await raw.run('select $1::text as text', [1], { prepare: true })
    const before = await numbers()
    const bind = Buffer.from(`B\0\0\0\0\0${texts.statement.name}\0`, 'latin1')
    bind.writeUInt32BE(bind.length - 1, 1)
    raw.wire.writeAhead(withDescriptions(bind).subarray(0, -bind.length))
    const described = await numbers()
    expect([before, described, described.columns].map((part) => [...part])).toMatchObject([
      [{ n: 1 }],
      [{ text: '1' }],
      [{ name: 'text', type: 25 }],
    ])
  })

  test('all runs of a plan have one statement, which is in their results', async () => {
    await using raw = await connectContractClient()
    const run = () => raw.run('select $1::int as n', [1], { prepare: true })
    const [first, second] = [await run(), await run()]
    expect(second.statement).toBe(first.statement)
  })

  test('what an error shows as its text is its string', async () => {
    await using raw = await connectContractClient()
    const { query, answer } = raw.hand('select $1::int / 0', [1])
    raw.submit(
      new Proxy(query, {
        get(target, name: string) {
          const value: unknown = name === 'string' ? 'shown' : Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
        set: (target, name: string, value) => Reflect.set(target, name, value, target),
      }),
    )
    expect(await answer.catch(thrown)).toMatchObject({ code: '22012', query: 'shown' })
  })

  test('a prepared one has in its result the name that the server knows it by', async () => {
    await using raw = await connectContractClient()
    const text = 'select name from pg_prepared_statements where statement like $1'
    const rows = await raw.client.unsafe(text, ['%pg_prepared_statements%'], { prepare: true, simple: false })
    expect([...rows]).toEqual([{ name: rows.statement.name }])
  })

  test('describeFirst says whether its types are asked for before its parameters are sent', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    const asked = raw.hand('select $1', ['a'])
    asked.submit()
    await nextTurn()
    const other = await connectScripted()
    other.logIn()
    await written(other.writes, 2)
    other.answer()
    const { query, submit } = other.hand('select $1', ['a'])
    Object.defineProperty(query, 'describeFirst', { get: () => false, set() {} })
    submit()
    await nextTurn()
    expect([raw.writes.at(-1), other.writes.at(-1)]).toEqual(['PDH', 'PDBES'])
  })

  test('onlyDescribe answers with its types and runs nothing', async () => {
    await using raw = await connectContractClient()
    await raw.run('create temporary sequence counter')
    const { query, submit, answer } = raw.hand("select nextval('counter'), $1::int", [1])
    query.onlyDescribe = true
    submit()
    await answer
    await raw.run('')
    expect([query.statement?.types, (await raw.run("select nextval('counter')::int as n"))[0]]).toEqual([
      [23],
      { n: 1 },
    ])
  })
})
