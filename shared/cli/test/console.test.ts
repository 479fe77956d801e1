import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defaultDataRoot, stopPostgres } from '@shared/postgres'
import { eventually, lastingPort } from '@shared/postgres/testing'
import { repositoryRoot } from '../src/workspace/packages.ts'
import { runCli, shellEnvironment } from './command-line.ts'
import { startDev } from './dev-process.ts'

// Among the test kit's private servers: what a killed run leaves here, the next one stops and removes.
const dataRoot = resolve(defaultDataRoot(), '../test/servers', `${process.pid}-console`)
const root = ['--data-root', dataRoot]

afterEach(async () => void (await stopPostgres({ dataRoot, mode: 'immediate' })))
afterAll(() => rmSync(dataRoot, { recursive: true, force: true }))

const addressIn = (output: string): string | undefined => /console: (http:\S+)/.exec(output)?.[1]

describe('the console', () => {
  test('is there with dev, shows its services, and ends with it', async () => {
    await using dev = startDev(['auth', ...root])
    await dev.addresses()
    const url = addressIn(dev.output())
    expect((await fetch(`${url}/`)).status).toBe(200)
    expect(await (await fetch(`${url}/services/auth`)).json()).toMatchObject({ service: 'auth' })
    dev.signalGroup('SIGINT')
    expect(await dev.exited).toBe(0)
    await expect(fetch(`${url}/`)).rejects.toThrow()
  }, 120_000)

  test('is served by dev as soon as the program that has its port ends', async () => {
    const port = await lastingPort()
    using holder = Bun.serve({ hostname: '127.0.0.1', port, fetch: () => new Response() })
    await using dev = startDev(['auth', ...root], { CONSOLE_PORT: String(port) })
    expect(Object.keys(await dev.addresses())).toEqual(['auth'])
    expect(dev.output()).toContain(`console: port ${port} is taken by process ${process.pid} (`)
    await holder.stop(true)
    await eventually(() => dev.output().includes(`console: http://127.0.0.1:${port} is served by`))
    expect((await fetch(`http://127.0.0.1:${port}/services/auth`)).status).toBe(200)
    dev.signalGroup('SIGINT')
    expect(await dev.exited).toBe(0)
  }, 120_000)

  test('is served by a command of its own, also from the folder of a service', async () => {
    const child = Bun.spawn(
      [process.execPath, join(repositoryRoot, 'shared/cli/bin.ts'), 'console', '--port', '0'],
      {
        cwd: join(repositoryRoot, 'services/auth'),
        env: shellEnvironment(),
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'inherit',
      },
    )
    let output = ''
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of child.stdout) output += decoder.decode(chunk, { stream: true })
    })()
    try {
      const url = await eventually(() => addressIn(output) ?? false)
      const page = await fetch(`${url}/`)
      expect({ status: page.status, html: await page.text() }).toEqual({
        status: 200,
        html: expect.stringContaining('<main id="services"'),
      })
      child.kill('SIGINT')
      await reading
      expect(await child.exited).toBe(0)
    } finally {
      child.kill('SIGKILL')
      await child.exited
    }
  }, 120_000)

  test('names the program that has its port, and refuses what is not a port', async () => {
    using holder = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
    const taken = await runCli(['console', '--port', String(holder.port)])
    const wrong = await runCli(['console'], { CONSOLE_PORT: 'eighty' })
    expect({ taken, wrong }).toMatchObject({
      taken: {
        exitCode: 1,
        stdout: '',
        stderr: expect.stringContaining(`console: port ${holder.port} is taken by process ${process.pid} (`),
      },
      wrong: { exitCode: 2, stderr: expect.stringContaining('CONSOLE_PORT must be a port from 0 to 65535') },
    })
  }, 120_000)
})
