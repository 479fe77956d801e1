import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { Load } from './load.ts'
import type { Answer, Command } from './messages.ts'
import { peers } from './peers.ts'
import { schedule } from './schedule.ts'

type Start = Extract<Command, { type: 'start' }>

const stages = ['mark', 'promoted', 'over'] as const
type Stage = (typeof stages)[number]

/** One run of one peer, in a process of its own: what breaks the peer's process is a result, not an end. */
async function run({ peer, place }: Start, reached: (stage: Stage) => Promise<void>): Promise<void> {
  const load = new Load(await peers[peer].open(place))
  process.on('uncaughtException', (error) => load.countUncaught(error))
  process.on('unhandledRejection', (error) => load.countUncaught(error))
  void reached('promoted').then(() => load.promoted())
  await eventually(() => load.ok >= schedule.callers, { timeoutMs: 10_000 })
  await sleep(schedule.warmMs)
  tell({ type: 'warm' })
  await reached('mark')
  load.mark()
  tell({ type: 'marked' })
  await reached('over')
  load.over()
  // Who hangs is given up then, and may be served after that.
  await eventually(() => load.allServed, { timeoutMs: schedule.hungMs + schedule.faultMs }).catch(() => {})
  if (load.allServed) await sleep(schedule.afterMs)
  tell({ type: 'result', result: await load.stop() })
}

const tell = (answer: Answer): void => {
  process.send?.(answer)
}

if (import.meta.main) {
  const signs = Object.fromEntries(stages.map((stage) => [stage, Promise.withResolvers<void>()])) as Record<
    Stage,
    PromiseWithResolvers<void>
  >
  process.on('message', (command: Command) => {
    if (command.type !== 'start') signs[command.type].resolve()
    else
      run(command, (stage) => signs[stage].promise).catch((error: unknown) =>
        tell({ type: 'failed', message: String(error) }),
      )
  })
  // The program that asked is gone: nobody wants the answer.
  process.on('disconnect', () => process.exit(1))
}
