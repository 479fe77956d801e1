import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { Load } from './load.ts'
import { runLongStatement } from './long-statement.ts'
import type { Answer, Command } from './messages.ts'
import { peers } from './peers.ts'
import { schedule } from './schedule.ts'

type Start = Extract<Command, { type: 'start' }>

/** One run of one peer, in a process of its own: what breaks the peer's process is a result, not an end. */
async function run(start: Start, marked: Promise<void>, happened: Promise<void>): Promise<void> {
  const peer = await peers[start.peer].open(start.url)
  const load = new Load(peer)
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
  const long = start.hasLongStatement ? runLongStatement(peer, load) : null
  await eventually(() => load.allServed, { timeoutMs: schedule.boundMs }).catch(() => {})
  if (load.allServed) await sleep(schedule.afterMs)
  const longStatement = await long
  tell({ type: 'result', result: { ...(await load.stop()), longStatement } })
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
      run(command, marked.promise, happened.promise).catch((error: unknown) =>
        tell({ type: 'failed', message: String(error) }),
      )
  })
  // The program that asked is gone: nobody wants the answer.
  process.on('disconnect', () => process.exit(1))
}
