import { expect, spyOn, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@shared/postgres/testing'
import { createWorkspace } from '../../test/workspace-fixture.ts'
import { restartOnChange } from './restart-on-change.ts'
import type { ServiceGroup } from './service-group.ts'
import type { ServiceProcess } from './service-process.ts'

test('a service whose folder is removed is stopped, and not restarted', async () => {
  using workspace = createWorkspace({}, { 'services/cart/src/index.ts': '1' })
  const folder = join(workspace.root, 'services/cart')
  const service = {
    service: 'cart',
    database: 'cart_db',
    port: 1,
    folder,
    schemaFolder: folder,
    sourceFolders: [folder],
  }
  const calls: string[] = []
  const group: ServiceGroup = {
    start: () => void calls.push('start'),
    restart: async () => void calls.push('restart'),
    end: async (name) => void calls.push(`end ${name}`),
    process: () => (calls.includes('end cart') ? null : ({} as ServiceProcess)),
    finished: new Promise(() => undefined),
    stop: async () => undefined,
    kill: () => undefined,
  }
  using print = spyOn(console, 'log').mockImplementation(() => undefined)
  using _watching = restartOnChange(
    [{ service, environment: {}, external: false }],
    group,
    new AbortController().signal,
  )
  rmSync(folder, { recursive: true })
  await eventually(() => calls.length > 0)
  expect({ calls, printed: print.mock.calls }).toEqual({
    calls: ['end cart'],
    printed: [['cart stops: its folder was removed']],
  })
})
