import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { makeSecrets } from './secrets.ts'

test('makes every value anew, too long to be guessed, and as it is in a URL and in a header', () => {
  const random = (service: string) =>
    makeSecrets(service).flatMap(({ stringData: { username: _, url: _url, ...values } }) =>
      Object.values(values),
    )
  const values = [...random('auth'), ...random('auth'), ...random('cart')]
  expect(values).toEqual(values.map(() => expect.stringMatching(/^[\w-]{43}$/)))
  expect(new Set(values).size).toBe(12)
})

test('prints the Secrets of the named services as a list for kubectl', async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'secrets.ts'), 'auth', 'cart'], {
    stdout: 'pipe',
  })
  const { apiVersion, kind, items } = JSON.parse(await child.stdout.text())
  const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
  expect({ exitCode: await child.exited, apiVersion, kind, names }).toEqual({
    exitCode: 0,
    apiVersion: 'v1',
    kind: 'List',
    names: ['auth', 'auth-db-provisioner', 'cart', 'cart-db-provisioner'],
  })
})
