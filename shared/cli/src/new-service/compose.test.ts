import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceDefinition } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import { parseCompose } from '../compose/compose-file.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { findServices } from '../workspace/services.ts'
import { addToCompose } from './compose.ts'

const services: readonly ServiceDefinition[] = await findServices([])
const text = readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8')
const added = { service: 'sample', database: 'sample_db', port: 7999 }

test('a service is added to lists on one line, and to those with a line for each entry', () => {
  const broken = text.replace(/^( {4}\w+:) \[([^\]\n]+)\]$/gm, (_line, key, list: string) =>
    [`${key}`, '      [', ...list.split(', ').map((entry) => `        ${entry},`), '      ]'].join('\n'),
  )
  const [inline, long] = [text, broken].map((file) => parseCompose(addToCompose(file, services, added)))
  expect(broken).not.toBe(text)
  expect(long).toEqual(inline)
  expect({ ...inline?.services.postgres, ...inline?.secrets }).toMatchObject({
    networks: expect.arrayContaining(['sample-database']),
    sample_health_token: { file: './.secrets/sample_health_token' },
  })
})

test('comments and what others have stay as they are', () => {
  const lines = addToCompose(text, services, added).split('\n')
  const changed = text.split('\n').filter((line) => !lines.includes(line))
  // What all share: the server's connections and networks, Prometheus' tokens and networks.
  expect(changed.length).toBeLessThanOrEqual(4)
  expect(changed.filter((line) => line.includes('#'))).toEqual([])
})

test('the server grows with every service', () => {
  let file = text
  const all = [...services]
  const sizes: number[] = []
  for (const number of [1, 2, 3]) {
    const next = { service: `sample${number}`, database: `sample${number}_db`, port: 7000 + number }
    file = addToCompose(file, all, next)
    all.push(next)
    sizes.push(Number(/max_connections=(\d+)/.exec(file)?.[1]))
  }
  const before = Number(/max_connections=(\d+)/.exec(text)?.[1])
  expect(sizes.map((size, index) => size - (sizes[index - 1] ?? before) >= 60)).toEqual([true, true, true])
})

test.each([
  ['networks:', 'nets:'],
  ['secrets:', 'files:'],
])('a file that has no place called %s is refused', (section, other) => {
  const file = text.replace(new RegExp(`^${section}$`, 'm'), other)
  expect(() => addToCompose(file, services, added)).toThrow(CommandError)
})
