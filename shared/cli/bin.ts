import { refuseOldBun } from './src/command-line/bun-version.ts'
import { runAgain } from './src/command-line/run-program.ts'
import { ensureInstalled } from './src/workspace/install.ts'

refuseOldBun()
// Nothing that needs node_modules may be imported before they are known to be there.
const outcome = await ensureInstalled()
if (outcome === 'failed') process.exit(1)
// A process that has looked at folders without node_modules does not find packages that came since.
if (outcome === 'installed') process.exit(await runAgain(import.meta.path))
const { main } = await import('./src/main.ts')
process.exit(await main(process.argv.slice(2)))
