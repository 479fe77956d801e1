import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '../errors.ts'

const linux = process.platform === 'linux'

/** Whether a process runs. A zombie does not: where nobody reaps it, it keeps its id for ever. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return false
  }
  return !linux || stateOf(pid) !== 'Z'
}

function stateOf(pid: number): string | undefined {
  try {
    // The command in parentheses may hold anything, also parentheses.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0]
  } catch {
    return undefined
  }
}

/** The command line of a process, or null where it may not be read. */
export function commandOf(pid: number): string | null {
  if (!linux) {
    const result = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return result.status === 0 ? result.stdout.trim() : null
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() || null
  } catch {
    return null
  }
}

/** Whether the process is a postmaster of exactly this data directory (which must be a real path). */
export function isPostmasterOf(pid: number, dataDirectory: string): boolean {
  if (!isAlive(pid)) return false
  const command = commandOf(pid) ?? ''
  if (!linux) return command.includes(`-D ${dataDirectory}`)
  try {
    // A postmaster works in its data directory; so do its children, whose title starts with "postgres:".
    return readlinkSync(`/proc/${pid}/cwd`) === dataDirectory && !command.startsWith('postgres:')
  } catch {
    return false
  }
}

/** The direct children of a process; empty where the platform does not tell. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}

/** Sends a signal; false if the process is already gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    throw error
  }
}

/** Stops the process and its children where they are; resolves when none of them runs on. */
export async function freezeFamily(pid: number): Promise<void> {
  // The parent first: it starts no child then that would be missed.
  await freeze(pid)
  await Promise.all(childrenOf(pid).map(freeze))
}

async function freeze(pid: number): Promise<void> {
  if (!sendSignal(pid, 'SIGSTOP')) return
  while (isAlive(pid) && linux && stateOf(pid) !== 'T') await sleep(1)
}

/** Lets a frozen process and its children go on. */
export function thawFamily(pid: number): void {
  for (const member of [...childrenOf(pid), pid]) sendSignal(member, 'SIGCONT')
}

/** Kills a process and its children at once, frozen or not; resolves when all of them are gone. */
export async function killFamily(pid: number): Promise<void> {
  await freeze(pid)
  const family = [pid, ...childrenOf(pid)]
  for (const member of family) sendSignal(member, 'SIGKILL')
  while (family.some(isAlive)) await sleep(1)
}

/** Waits until the process is gone; false at the deadline. */
export async function waitForExit(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false
    await sleep(10)
  }
  return true
}
