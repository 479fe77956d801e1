import { describe, expect, test } from 'bun:test'
import { connectScripted, nextTurn, thrown, written } from './contract-client.ts'

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

  test('a failed login rejects the first statement and connects no second time', async () => {
    const raw = await connectScripted()
    raw.socket.send(['E', 'SFATAL\0VFATAL\0C28P01\0Mwrong password\0\0'])
    expect(await raw.first.catch(thrown)).toMatchObject({ code: '28P01', severity: 'FATAL' })
    await nextTurn()
    expect({ sockets: raw.sockets(), writes: raw.writes }).toEqual({ sockets: 1, writes: ['startup'] })
  })

  test('a server that does not prove that it knows the password is reported, and the socket destroyed', async () => {
    const raw = await connectScripted()
    raw.socket.send(['R', 10, 'SCRAM-SHA-256\0\0'])
    await written(raw.writes, 2)
    raw.socket.send(['R', 11, 'r=nonce,s=c2FsdA==,i=1'])
    await written(raw.writes, 3)
    raw.socket.send(['R', 12, 'v=forged'])
    expect(await raw.first.catch(thrown)).toMatchObject({ code: 'SASL_SIGNATURE_MISMATCH' })
    expect(raw.socketMembers).toContain('destroy')
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
