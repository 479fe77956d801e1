import { describe, expect, test } from 'bun:test'
import { beginMessages } from '../begin.ts'
import { connectContractClient, connectScripted, thrown, written } from './contract-client.ts'

describe('an answer:', () => {
  test('a parser marked array gets the text without its first brace', async () => {
    await using raw = await connectContractClient()
    const texts: string[] = []
    const parser = (text: string) => texts.push(text)
    raw.source.driver.parsers[1007] = Object.assign(parser, { array: true })
    await raw.run("select '{1,2}'::int[]")
    expect(texts).toEqual(['1,2}'])
  })

  test('has rows as arrays with isRaw values, else as objects, and count and command', async () => {
    await using raw = await connectContractClient()
    const rows = await raw.run('select 1 as a, true as b', [], { values: true })
    const { count, command } = rows
    expect({ rows: [...rows], keys: Object.keys(rows), count, command }).toEqual({
      rows: [[1, true]],
      keys: ['0'],
      count: 1,
      command: 'SELECT',
    })
    expect([...(await raw.run('select 1 as a, true as b'))]).toEqual([{ a: 1, b: true }])
  })

  test('has rows as arrays of bytes with isRaw true, which no parser has seen', async () => {
    await using raw = await connectContractClient()
    raw.source.driver.parsers[23] = () => 'parsed'
    const rows = await raw.client.unsafe('select 1 as a, null as b').raw()
    expect({
      rows: [...rows],
      columns: rows.statement.columns.map(({ name }: { name: string }) => name),
    }).toEqual({
      rows: [[Buffer.from('1'), null]],
      columns: ['a', 'b'],
    })
  })

  test('of a text with several statements is an array of results', async () => {
    await using raw = await connectContractClient()
    const results = await raw.run('select 1 as a; select 2 as b')
    expect([results.command, ...results.map((rows: unknown[]) => [...rows])]).toEqual([
      undefined,
      [{ a: 1 }],
      [{ b: 2 }],
    ])
  })

  test('of BEGIN and a statement with rows in one group is both results, of one without rows the last', async () => {
    await using raw = await connectContractClient()
    const begin = (text: string, parameters: unknown[]) => {
      raw.wire.writeAhead(beginMessages('begin'))
      return raw.run(text, parameters)
    }
    const rows = await begin('select $1::int as a', [1])
    const shape = rows.map((result: Record<string, unknown>) => result.command)
    await raw.run('rollback; create temporary table here (a int)')
    const inserted = await begin('insert into here values ($1)', [1])
    expect({ shape, command: inserted.command, count: inserted.count }).toEqual({
      shape: ['BEGIN', 'SELECT'],
      command: 'INSERT',
      count: 1,
    })
  })

  test('counts the rows of a failed statement into the next one, as holes', async () => {
    await using raw = await connectContractClient()
    await raw.run('select 1 / (3 - n) from generate_series(1, 5) n').catch(() => {})
    const { query } = raw.hand('select 1 as a')
    const rows = await new Promise<unknown[]>((resolve) => {
      query.resolve = resolve
      raw.submit(query)
    })
    expect(Object.entries(rows)).toEqual([['2', { a: 1 }]])
  })

  test('an error of the server has code, severity and routine; one of the driver has no severity', async () => {
    await using raw = await connectContractClient()
    const ofServer = thrown(await raw.run('select 1 / 0').catch(thrown))
    const ofDriver = thrown(await raw.run('select $1', [undefined]).catch(thrown))
    const facts = ({ code, severity, routine }: Record<string, unknown>) => ({ code, severity, routine })
    expect([facts(ofServer), facts(ofDriver)]).toEqual([
      { code: '22012', severity: 'ERROR', routine: 'int4div' },
      { code: 'UNDEFINED_VALUE', severity: undefined, routine: undefined },
    ])
  })

  test('an error does not show the statement and its parameters', async () => {
    await using raw = await connectContractClient()
    const error = thrown(await raw.run('select $1::int / 0', ['41']).catch(thrown))
    expect({
      query: error.query,
      shown: Object.keys(error).filter((key) => /query|param|args/.test(key)),
    }).toEqual({
      query: 'select $1::int / 0',
      shown: [],
    })
  })

  test('a parameter that cannot be written rejects its own statement where that is alone, and a Sync follows', async () => {
    await using raw = await connectContractClient()
    const writes = raw.writes.length
    const error = thrown(await raw.run('select $1', [undefined]).catch(thrown))
    await raw.run('')
    expect({ code: error.code, writes: raw.writes.slice(writes) }).toEqual({
      code: 'UNDEFINED_VALUE',
      writes: ['SQ'],
    })
  })

  test('a parameter that cannot be written rejects the statement that runs', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    const running = raw.hand('select 1')
    const wrong = raw.hand('select $1', [undefined])
    running.submit()
    wrong.submit()
    expect(await running.answer.catch(thrown)).toMatchObject({ code: 'UNDEFINED_VALUE' })
  })

  test('65 534 parameters are refused before anything is sent', async () => {
    await using raw = await connectContractClient()
    const error = thrown(await raw.run('select 1', Array(65_534).fill('1')).catch(thrown))
    expect(error.code).toBe('MAX_PARAMETERS_EXCEEDED')
  })
})
