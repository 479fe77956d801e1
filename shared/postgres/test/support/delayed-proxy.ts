import { eventually, startFaultProxy } from '../../src/testing/index.ts'
import { openClient, startEcho } from './echo.ts'

const echo = await startEcho()
const proxy = await startFaultProxy({ target: echo })
await proxy.set({ delayMs: 3_600_000 })
const client = await openClient(proxy.port)
client.socket.write('under way')
await eventually(() => proxy.roundTrips === 1)
await proxy[Symbol.asyncDispose]()
client.socket.destroy()
await echo[Symbol.asyncDispose]()
