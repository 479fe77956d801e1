import { describe, expect, spyOn, test } from 'bun:test'
import postgres from 'postgres'
import {
  connectContractClient,
  connectScripted,
  createContractClient,
  ScriptedSocket,
  written,
} from './contract-client.ts'

/** Runs `fn` with environment variables that point somewhere else. */
async function withForeignEnvironment<T>(fn: () => T | Promise<T>): Promise<T> {
  const foreign = {
    PGHOST: 'elsewhere',
    PGPORT: '9',
    PGUSER: 'somebody',
    PGPASSWORD: 'secret',
    PGDATABASE: 'other',
    PGAPPNAME: 'other',
    PGTARGETSESSIONATTRS: 'standby',
    PGMAX_PIPELINE: '1',
    PGIDLE_TIMEOUT: '1',
  }
  const before = { ...process.env }
  Object.assign(process.env, foreign)
  try {
    return await fn()
  } finally {
    for (const name of Object.keys(foreign)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

describe('options:', () => {
  test('parsed options are taken as they are, with their codecs by reference', () => {
    const { client, source } = createContractClient(() => new ScriptedSocket())
    const { parsers, serializers } = client.options
    expect({
      parsers: parsers === source.driver.parsers,
      serializers: serializers === source.driver.serializers,
    }).toEqual({
      parsers: true,
      serializers: true,
    })
    expect(postgres(client.options).options).toBe(client.options)
  })

  test('a codec written after the login holds for connections that exist', async () => {
    await using raw = await connectContractClient()
    raw.source.driver.parsers[23] = (text: string) => `parsed ${text}`
    raw.source.driver.serializers[20] = (value: unknown) => String(Number(value) + 1)
    expect((await raw.run('select 1::int as a, $1::bigint as b', [5n]))[0]).toEqual({ a: 'parsed 1', b: '6' })
  })

  test('nothing that is given is looked up in the environment, nor the password where it is a function', async () => {
    const { options } = await withForeignEnvironment(
      () => createContractClient(() => new ScriptedSocket(), 'postgres://u:p@h:5/d').client,
    )
    const { host, port, user, database, max_pipeline, idle_timeout } = options
    expect({ host, port, user, database, max_pipeline, idle_timeout, pass: options.pass() }).toEqual({
      host: ['h'],
      port: [5],
      user: 'u',
      database: 'd',
      max_pipeline: 100,
      idle_timeout: null,
      pass: '',
    })
  })

  test('target_session_attrs set to null after parsing asks nothing at the login', async () => {
    const raw = await withForeignEnvironment(connectScripted)
    raw.logIn()
    await written(raw.writes, 2)
    expect(raw.writes).toEqual(['startup', 'Q'])
  })

  test('no_subscribe set after parsing makes no client for subscriptions', () => {
    expect(createContractClient(() => new ScriptedSocket()).client.subscribe).toBe(true)
  })

  test('null and false stand for no time limit: a login starts no timer', async () => {
    const timers = spyOn(globalThis, 'setTimeout')
    const delays = () => timers.mock.calls.map(([, delay]) => delay ?? 0).filter((delay) => delay > 1)
    try {
      const raw = await connectScripted()
      raw.logIn()
      await written(raw.writes, 2)
      raw.answer()
      await raw.first
      expect(delays()).toEqual([])
    } finally {
      timers.mockRestore()
    }
  })

  test('with max 1 a raw BEGIN is allowed', async () => {
    await using raw = await connectContractClient()
    expect((await raw.run('begin')).command).toBe('BEGIN')
    expect((await raw.run('rollback')).command).toBe('ROLLBACK')
  })

  test('with max_pipeline 100 as many statements as may share a connection are sent at once', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    const queries = Array.from({ length: 91 }, () => raw.hand('select 1'))
    for (const { submit } of queries) submit()
    expect(queries.filter(({ query }) => query.state === null)).toEqual([])
  })

  test('onparameter gets each setting that differs from parameters, also when it changes later', async () => {
    await using raw = await connectContractClient()
    const atLogin = raw.settings.has('TimeZone')
    await raw.run("set application_name = 'changed'")
    expect({ atLogin, changed: raw.settings.get('application_name') }).toEqual({
      atLogin: true,
      changed: 'changed',
    })
  })

  test('onnotify gets the payload of a notification', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    await using raw = await connectContractClient(resolve)
    await raw.run('listen here; notify here, $$changed$$')
    expect(await promise).toBe('changed')
  })

  test('with onnotice nothing is printed, and it has the severity of a notice before the answer', async () => {
    const log = spyOn(console, 'log')
    try {
      await using raw = await connectContractClient()
      await raw.run("do $$ begin raise notice 'hello'; raise warning 'careful'; end $$")
      expect(raw.notices).toEqual(['NOTICE', 'WARNING'])
      expect(log).not.toHaveBeenCalled()
    } finally {
      log.mockRestore()
    }
  })
})
