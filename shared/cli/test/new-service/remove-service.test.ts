import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lowerConnections, removeFromCompose } from '../../src/new-service/compose-removal.ts'
import { findServices } from '../../src/workspace/services.ts'
import { copyWorkspace, freeName, type WorkspaceCopy } from './workspace-copy.ts'

const name = freeName('orders')
let copy: WorkspaceCopy
beforeAll(async () => {
  copy = await copyWorkspace()
}, 120_000)
afterAll(() => copy.remove())

const cli = (...words: string[]) => copy.run(['shared/cli/bin.ts', ...words])
const compose = () => readFileSync(join(copy.root, 'docker-compose.yml'), 'utf8')

test('remove:service undoes new:service, to the letter', async () => {
  const before = copy.fingerprint()
  // As a team has it that tries the command: nothing is committed in the copy, and git is not there.
  const made = await cli('new:service', name)
  const removed = await cli('remove:service', name)
  const after = copy.fingerprint()
  const changed = Object.keys({ ...before, ...after }).filter((path) => before[path] !== after[path])
  expect({ exitCodes: [made.exitCode, removed.exitCode], changed }).toEqual({
    exitCodes: [0, 0],
    changed: [],
  })
  expect(removed.stdout).toContain(
    `left     database ${name}_db, roles ${name}_owner, ${name}_migrator, ${name}_app`,
  )
}, 120_000)

test('a service that others use is refused, and nothing is changed', async () => {
  const before = copy.fingerprint()
  const { exitCode, stderr } = await cli('remove:service', 'product')
  expect({ exitCode, files: copy.fingerprint() }).toEqual({ exitCode: 1, files: before })
  expect(stderr).toContain('docker-compose.yml uses product elsewhere')
}, 120_000)

test('connections of the server that are not what new:service writes stay as they are', async () => {
  const services = await findServices([])
  const removed = removeFromCompose(compose(), 'cart')
  const maximumOf = (text: string) => Number(/max_connections=(\d+)/.exec(text)?.[1])
  const raised = removed.replace(/max_connections=\d+/, 'max_connections=500')
  const own = compose().replace(/max_connections=\d+/, 'max_connections=500')
  expect({
    own: maximumOf(lowerConnections(raised, { text: own, services, name: 'cart' })),
    whatAllNeed:
      maximumOf(lowerConnections(removed, { text: compose(), services, name: 'cart' })) <
      maximumOf(compose()),
  }).toEqual({ own: 500, whatAllNeed: true })
})

test('a service that no other calls can be taken out', () => {
  const removed = removeFromCompose(compose(), 'cart')
  expect(removed).not.toMatch(/\bcart[-_]|[ [,]cart[,:\]]/)
  expect(removed).toContain('networks: [admin, auth-database, product-database')
})
