import { describe, expect, test } from 'bun:test'
import {
  backend,
  connectScripted,
  createContractClient,
  nextTurn,
  ScriptedSocket,
  written,
} from './contract-client.ts'

describe('the socket:', () => {
  test('is made once, and only these members of it are used', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.socket.send(['E', 'SERROR\0C42601\0Mwrong\0\0'], ['Z', 'I'])
    await raw.first.catch(() => {})
    raw.hand('select 1').submit()
    await written(raw.writes, 3)
    expect({ sockets: raw.sockets(), members: [...raw.socketMembers].sort() }).toEqual({
      sockets: 1,
      members: ['on', 'setKeepAlive', 'then', 'write'],
    })
  })

  test('its first write is its StartupMessage and nothing else, however long that is', async () => {
    for (const user of ['u', 'u'.repeat(2_000)]) {
      const socket = new ScriptedSocket()
      const raw = createContractClient(() => socket, `postgres://${user}:p@127.0.0.1:1/d`)
      const statements = [raw.client.unsafe('select 1'), raw.client.unsafe('select 2')]
      for (const statement of statements) statement.catch(() => {})
      await written(raw.writes, 1)
      await nextTurn()
      expect(raw.writes).toEqual(['startup'])
    }
  })

  test('the end of a login, in one piece, is all that it wants: it knows the backend, and sends its statement', async () => {
    const raw = await connectScripted()
    raw.socket.send(['R', 0], ['S', 'TimeZone\0UTC\0'], ['K', backend.pid, backend.secret], ['Z', 'I'])
    await written(raw.writes, 2)
    expect({ writes: raw.writes, zone: raw.settings.get('TimeZone'), backend: raw.first.state }).toEqual({
      writes: ['startup', 'Q'],
      zone: 'UTC',
      backend,
    })
  })

  test('statements of one turn go out in one write after it, and nothing is pending then', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    for (let n = 0; n < 3; n++) raw.hand('select 1').submit()
    const before = raw.writes.length
    await nextTurn()
    const after = raw.writes.slice(2)
    raw.answer()
    await nextTurn()
    expect({ before, after, later: raw.writes.length }).toEqual({ before: 2, after: ['QQQ'], later: 3 })
  })

  test('from 1 024 bytes on everything pending is written at once', async () => {
    const raw = await connectScripted()
    raw.logIn()
    await written(raw.writes, 2)
    raw.answer()
    raw.hand('select 1').submit()
    raw.hand(`select '${'x'.repeat(1_024)}'`).submit()
    expect(raw.writes.slice(2)).toEqual(['QQ'])
  })
})
