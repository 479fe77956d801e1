import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startWorld, type World, type WorldService } from '@shared/console/testing'
import { eventually } from '@shared/postgres/testing'
import { runCli, startCli } from './command-line.ts'

let world: World
let auth: WorldService

beforeAll(async () => {
  world = await startWorld({
    services: ['auth'],
    env: { DATABASE_POOL_SIZE: '2', DATABASE_MAX_OVERFLOW: '1' },
  })
  const [service] = world.services
  if (service === undefined) throw new Error('no service')
  auth = service
}, 120_000)
afterAll(() => world?.[Symbol.asyncDispose](), 120_000)

const environment = (token = auth.target.token ?? '') => ({
  PORT: new URL(auth.target.url).port,
  HEALTH_TOKEN: token,
})
const status = (...args: string[]) => runCli(['status', 'auth', '--timeout', '60', ...args], environment())

describe('status', () => {
  test('shows a healthy service and ends with 0', async () => {
    const { exitCode, stdout, stderr } = await status()
    expect({ exitCode, stderr, row: stdout.split('\n')[1] }).toEqual({
      exitCode: 0,
      stderr: '',
      row: expect.stringMatching(
        /^auth +● healthy +[█░·]+ \/3 +\d +\d +0 +0 +0 +\S+( m?s)? +[\d.]+ m?s +\d+$/,
      ),
    })
  }, 120_000)

  test('shows why a pool is saturated and ends with 1', async () => {
    await using _occupied = await auth.occupy(2)
    const { exitCode, stdout } = await status()
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/auth +▲ degraded +█+▓+ \/3 +3 +0 +1 +\d/),
    })
    expect(stdout).toMatch(/^auth: .*3 connections/m)
  }, 120_000)

  test('prints the same as one JSON document, without a token', async () => {
    const { exitCode, stdout } = await status('--json')
    expect(JSON.parse(stdout)).toMatchObject({
      healthy: exitCode === 0,
      services: [
        {
          name: 'auth',
          url: auth.target.url,
          report: { pool: { poolSize: 2 } },
          failures: expect.any(Number),
        },
      ],
    })
    expect(stdout).not.toContain(auth.target.token ?? 'none')
  }, 120_000)

  test('reports that details are guarded when the token is wrong', async () => {
    const { exitCode, stdout } = await runCli(['status', 'auth'], environment('another-token-that-is-wrong'))
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringContaining('set HEALTH_TOKEN to the same as its own'),
    })
  }, 120_000)

  test('with --watch follows the database down and up until Ctrl-C, which ends it with 1 while it is down', async () => {
    const child = startCli(
      ['status', 'auth', '--watch', '--json', '--interval', '0.2', '--timeout', '60'],
      environment(),
    )
    const lines: { healthy: boolean; services: { status: string; reason: string }[] }[] = []
    const reading = (async () => {
      const decoder = new TextDecoder()
      let rest = ''
      for await (const chunk of child.stdout) {
        const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
        rest = parts.pop() ?? ''
        lines.push(...parts.map((line) => JSON.parse(line)))
      }
    })()
    const until = (wanted: string) => eventually(() => lines.at(-1)?.services[0]?.status === wanted)
    try {
      await until('healthy')
      await world.postgres.stop()
      await until('unhealthy')
      expect(lines.at(-1)?.services[0]?.reason).toMatch(/ECONNREFUSED|cannot be reached|has not answered/)
      await world.postgres.restart()
      await until('healthy')
      await auth.stop()
      await until('unreachable')
      child.kill('SIGINT')
      await reading
      expect(await child.exited).toBe(1)
    } finally {
      child.kill('SIGKILL')
      await child.exited
      await auth.start()
    }
  }, 120_000)

  test('reports a service that does not run, and an option that is wrong', async () => {
    const nowhere = await runCli(['status', 'auth'], { PORT: '1' })
    const wrong = await runCli(['status', '--interval', 'soon'])
    expect({ nowhere, wrong }).toMatchObject({
      nowhere: { exitCode: 1, stdout: expect.stringContaining('auth: It does not run') },
      wrong: {
        exitCode: 2,
        stdout: '',
        stderr: expect.stringContaining('--interval must be a number above 0'),
      },
    })
  }, 120_000)
})
