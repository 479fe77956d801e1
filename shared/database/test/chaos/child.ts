import { RemoteControl } from './cluster/control.ts'
import { Ledger } from './ledger.ts'
import type { Answer, Command, Start } from './messages.ts'
import { describeError } from './outcomes.ts'
import { runWorld } from './run-world.ts'

const tell = (answer: Answer): void => {
  process.send?.(answer)
}

/** Runs one world in this process, which must then end by itself. */
async function run({ plan, place }: Start): Promise<void> {
  const ledger = new Ledger()
  const uncaught = (error: unknown) => ledger.violated('uncaught', describeError(error))
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  const progress = setInterval(
    () => tell({ type: 'progress', statements: ledger.statements, faults: ledger.faults }),
    500,
  )
  const control = plan.cluster && new RemoteControl(tell)
  process.on('message', (answer: Command) => control?.answered(answer))
  try {
    await runWorld({ plan, place, ledger, control, onFrozen: (pid) => tell({ type: 'frozen', pid }) })
  } finally {
    clearInterval(progress)
  }
  const { statements, faults, succeeded, failures, violations, history, notes, isPoolerStuck } = ledger
  tell({
    type: 'result',
    result: {
      statements,
      faults,
      succeeded,
      failures,
      violations,
      history,
      notes: [...notes],
      isPoolerStuck,
    },
  })
  process.disconnect?.()
}

if (import.meta.main) {
  process.once('message', (start: Start) => {
    run(start).catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  })
}
