import { describe, expect, test } from 'bun:test'
import { commandGroups, commands } from '../src/commands/index.ts'
import { runCli } from './command-line.ts'

const names = Object.keys(commands)

describe('the command line', () => {
  test('shows every command when none is given, and ends with 2', async () => {
    const { exitCode, stdout, stderr } = await runCli([])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    for (const name of names) expect(stderr).toContain(`  ${name} `)
  })

  test('shows them on standard output for help, and ends with 0', async () => {
    expect(await runCli(['--help'])).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('db:migrate'),
    })
  })

  test('refuses an unknown command, and suggests a known one', async () => {
    const { exitCode, stderr } = await runCli(['conections'])
    expect({ exitCode, first: stderr.split('\n')[0] }).toEqual({
      exitCode: 2,
      first: 'unknown command conections, did you mean connections?',
    })
  })

  test('is what every script of the root names', async () => {
    const { scripts } = await Bun.file(`${import.meta.dir}/../../../package.json`).json()
    const known = ['help', ...names]
    expect(scripts).toEqual(Object.fromEntries(known.map((name) => [name, `bun shared/cli/bin.ts ${name}`])))
  })

  test('lists every command once, by task', () => {
    const groups = Object.values(commandGroups())
    const listed = groups.flatMap((group) => group.map(([name]) => name))
    expect(listed.sort()).toEqual([...names].sort())
  })
})

describe.each(names)('%s', (name) => {
  test('explains itself and its options', async () => {
    const { exitCode, stdout, stderr } = await runCli([name, '--help'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const { command } = (await commands[name]?.load()) ?? { command: null }
    expect(stdout).toStartWith(`Usage: bun run ${name}`)
    for (const [option, { description }] of Object.entries(command?.options ?? {})) {
      expect(stdout).toContain(`--${option}`)
      expect(description).not.toBe('')
    }
  })

  test('refuses an unknown option with exit code 2', async () => {
    expect(await runCli([name, '--nonsense'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(`${name}: unknown option --nonsense`),
    })
  })
})

test('standbys are counted in whole numbers, and are for the local server', async () => {
  const adminUrl = { DATABASE_ADMIN_URL: 'postgres://admin:secret@127.0.0.1:1/postgres' }
  const outcomes = await Promise.all([
    runCli(['db:start', '--replicas', '1.5']),
    runCli(['dev', 'auth', '--replicas', '1'], { ...adminUrl, PORT: '0' }),
  ])
  expect(outcomes.map(({ exitCode, stderr }) => ({ exitCode, first: stderr.split('\n')[0] }))).toEqual([
    { exitCode: 2, first: 'db:start: --replicas must be a whole number from 0 to 9, not 1.5' },
    { exitCode: 2, first: 'dev: --replicas is for the local server, and an admin URL is given' },
  ])
})

test('a service that does not exist is refused, with the one that was meant', async () => {
  expect(await runCli(['connections', 'prodct'])).toMatchObject({
    exitCode: 2,
    stderr:
      'connections: there is no service prodct, did you mean product?\nSee bun run connections --help.\n',
  })
})
