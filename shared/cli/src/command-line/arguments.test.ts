import { describe, expect, test } from 'bun:test'
import { parseArguments, positiveNumber } from './arguments.ts'
import { defineCommand } from './command.ts'
import { UsageError } from './errors.ts'

const command = defineCommand({
  synopsis: '',
  description: '',
  options: {
    watch: { type: 'boolean', description: '' },
    'data-root': { type: 'string', short: 'd', value: 'folder', description: '' },
  },
  positionals: true,
  rest: true,
  run: async () => 0,
})
const strict = { ...command, positionals: false, rest: false }

const refusal = (argv: string[], of = command): string => {
  try {
    parseArguments(of, argv)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'accepted'
}

describe('parseArguments', () => {
  test('separates options, arguments and what comes after --', () => {
    expect(
      parseArguments(command, ['auth', '--data-root', 'x', '--watch', 'cart', '--', '-t', 'name']),
    ).toEqual({
      values: { 'data-root': 'x', watch: true },
      positionals: ['auth', 'cart'],
      rest: ['-t', 'name'],
    })
  })

  test('takes a value in every way it is written', () => {
    for (const argv of [['--data-root=x'], ['--data-root', 'x'], ['-d', 'x'], ['-dx']]) {
      expect(parseArguments(command, argv)).toMatchObject({ values: { 'data-root': 'x' } })
    }
  })

  test('returns help for --help or -h anywhere before --', () => {
    expect(parseArguments(command, ['auth', '--help'])).toBe('help')
    expect(parseArguments(command, ['-h', '--nonsense'])).toBe('help')
    expect(parseArguments(command, ['--', '--help'])).toMatchObject({ rest: ['--help'] })
  })

  test.each([
    [['--wathc'], 'unknown option --wathc, did you mean --watch?'],
    [['-x'], 'unknown option -x (options of bun test come after --)'],
    [['--data-root'], '--data-root needs a value: <folder>'],
    [['--data-root', '--watch'], '--data-root needs a value: <folder>'],
    [['--watch=yes'], '--watch takes no value'],
  ])('refuses %j with the reason', (argv, message) => {
    expect(refusal(argv)).toBe(message)
  })

  test('refuses arguments that a command has no use for', () => {
    expect([refusal(['auth'], strict), refusal(['--', 'x'], strict), refusal(['--help-me'], strict)]).toEqual(
      ['unexpected argument auth', 'unexpected argument x after --', 'unknown option --help-me'],
    )
  })
})

describe('positiveNumber', () => {
  test('reads plain numbers and falls back when nothing is given', () => {
    expect([positiveNumber('--timeout', undefined, 5), positiveNumber('--timeout', '0.5', 5)]).toEqual([
      5, 0.5,
    ])
  })

  test.each(['0', '-1', 'x', '', '1e3', ' 1'])('refuses %j', (text) => {
    expect(() => positiveNumber('--timeout', text, 5)).toThrow('--timeout must be a number above 0')
  })
})
