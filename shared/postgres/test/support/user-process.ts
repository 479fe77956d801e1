import { createInterface } from 'node:readline'
import { startPostgres } from '../../src/index.ts'

// A user of a server in a process of its own: starts or joins, says so, and releases when told to.
const say = (line: unknown): void => console.log(JSON.stringify(line))
const server = await startPostgres({ dataRoot: process.argv[2], port: 0, settings: { fsync: 'off' } })
say({ pid: server.pid, startedHere: server.startedHere })
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'release') break
}
say({ released: await server.release() })
process.exit(0)
