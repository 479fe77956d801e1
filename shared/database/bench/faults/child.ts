import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { Load } from './load.ts'
import type { Answer, Command } from './messages.ts'
import { type PeerId, peers } from './peers.ts'
import { schedule } from './schedule.ts'

/** One run of one peer, in a process of its own: what breaks the peer's process is a result, not an end. */
async function run(peer: PeerId, url: string, marked: Promise<void>, happened: Promise<void>): Promise<void> {
  const load = new Load(await peers[peer].open(url))
  process.on('uncaughtException', (error) => load.countUncaught(error))
  process.on('unhandledRejection', (error) => load.countUncaught(error))
  await eventually(() => load.ok >= schedule.callers, { timeoutMs: 10_000 })
  await sleep(schedule.warmMs)
  tell({ type: 'warm' })
  await marked
  load.mark()
  tell({ type: 'marked' })
  await happened
  load.happened()
  await eventually(() => load.allServed, { timeoutMs: schedule.boundMs }).catch(() => {})
  if (load.allServed) await sleep(schedule.afterMs)
  tell({ type: 'result', result: await load.stop() })
}

const tell = (answer: Answer): void => {
  process.send?.(answer)
}

if (import.meta.main) {
  const marked = Promise.withResolvers<void>()
  const happened = Promise.withResolvers<void>()
  process.on('message', (command: Command) => {
    if (command.type === 'mark') marked.resolve()
    else if (command.type === 'happened') happened.resolve()
    else
      run(command.peer, command.url, marked.promise, happened.promise).catch((error: unknown) =>
        tell({ type: 'failed', message: String(error) }),
      )
  })
  // The program that asked is gone: nobody wants the answer.
  process.on('disconnect', () => process.exit(1))
}
