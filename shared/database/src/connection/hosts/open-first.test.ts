import { describe, expect, test } from 'bun:test'
import { ConnectError } from '@shared/pool'
import type { OpenOptions, SqlConnection } from '../sql-connection.ts'
import type { Host } from '../target.ts'
import { openFirst } from './open-first.ts'

const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, port: 5432 })) as [Host, Host, Host]

/** What hosts do: a kind of server, an error, or silence. */
type Behaviour = 'primary' | 'standby' | ConnectError | 'silent'

function setUp(behaviours: Record<string, Behaviour>) {
  const tried: string[] = []
  const open: string[] = []
  const aborted: string[] = []
  const attempt = (options: OpenOptions): Promise<SqlConnection> => {
    const name = options.host?.name ?? ''
    tried.push(name)
    const behaviour = behaviours[name]
    if (behaviour instanceof ConnectError) return Promise.reject(behaviour)
    if (behaviour === 'silent')
      return new Promise((_, reject) =>
        options.signal?.addEventListener('abort', () => {
          aborted.push(name)
          reject(new ConnectError('aborted'))
        }),
      )
    open.push(name)
    const destroy = async () => {
      open.splice(open.indexOf(name), 1)
    }
    return Promise.resolve({ host: options.host, kind: behaviour, destroy } as unknown as SqlConnection)
  }
  const start = (hosts: readonly Host[], signal?: AbortSignal) =>
    openFirst({
      hosts,
      open: attempt,
      timeoutMs: 60_000,
      mismatch: (connection) =>
        (connection as unknown as { kind: string }).kind === 'primary' ? null : 'is a standby',
      ...(signal && { signal }),
    })
  return { tried, open, aborted, start }
}

const refused = new ConnectError('refused', { driverCode: 'ECONNREFUSED' })
const wrongPassword = new ConnectError('wrong', { sqlState: '28P01', retryable: false })

describe('of several hosts', () => {
  test('the first suitable one is taken, and no other stays open', async () => {
    const world = setUp({ a: refused, b: 'standby', c: 'primary' })
    const { host } = await world.start([a, b, c])
    expect({ host: host.name, tried: world.tried, open: world.open }).toEqual({
      host: 'c',
      tried: ['a', 'b', 'c'],
      open: ['c'],
    })
  })

  test('one that is silent holds up nobody, and its attempt ends', async () => {
    const world = setUp({ a: 'silent', b: 'primary' })
    const { host } = await world.start([a, b])
    expect({ host: host.name, aborted: world.aborted, open: world.open }).toEqual({
      host: 'b',
      aborted: ['a'],
      open: ['b'],
    })
  })

  test('the error names each and why it was not taken, and one of the wrong kind may become the right one', async () => {
    const world = setUp({ a: refused, b: 'standby', c: wrongPassword })
    const error = await world.start([a, b, c]).catch((thrown: ConnectError) => thrown)
    expect(error).toMatchObject({ driverCode: 'NO_SUITABLE_HOST', sqlState: null, retryable: true })
    expect((error as ConnectError).message).toBe(
      'None of the hosts can be used: a:5432 could not be connected to (ECONNREFUSED); b:5432 is a standby; c:5432 could not be connected to (28P01).',
    )
    expect(world.open).toEqual([])
  })

  test('it is hopeless when each refuses for good', async () => {
    const world = setUp({ a: wrongPassword, b: wrongPassword })
    const error = await world.start([a, b]).catch((thrown: ConnectError) => thrown)
    expect(error).toMatchObject({ sqlState: '28P01', retryable: false })
  })

  test('of one host the error is its own', async () => {
    const world = setUp({ a: refused })
    expect(await world.start([a]).catch((thrown: ConnectError) => thrown)).toBe(refused)
  })

  test('all attempts have ended when the caller has given up', async () => {
    const world = setUp({ a: 'silent', b: 'silent' })
    const abort = new AbortController()
    const opening = world.start([a, b], abort.signal).catch((thrown: ConnectError) => thrown)
    abort.abort(new Error('closing'))
    expect(await opening).toBeInstanceOf(ConnectError)
    expect(world.aborted.sort()).toEqual(world.tried.sort())
  })
})
