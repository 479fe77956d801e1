import type { FaultProxy, ProxiedConnection } from '@shared/postgres/testing'
import type { Database } from '../../src/index.ts'
import type { Admin } from './admin.ts'
import type { Control } from './cluster/control.ts'
import type { Ledger } from './ledger.ts'
import type { Plan } from './plan.ts'

export type Plain = Record<string, never>

/** One database under load: what callers, faults and the audit work on. */
export interface World {
  readonly plan: Plan
  readonly ledger: Ledger
  readonly database: Database<Plain>
  /** Another process that reads the same cluster, as it were. */
  readonly reader: Database<Plain> | null
  /** What the layer connects to. */
  readonly url: string
  /** Ways in that are not the layer's, straight to the server (of a cluster: the primary), as its superuser. */
  readonly admin: Admin
  /** Every server, the same way. */
  readonly admins: readonly Admin[]
  /** One before each server. */
  readonly proxies: readonly FaultProxy[]
  /** The one that a fault is made at. */
  readonly proxy: FaultProxy | null
  /** Who has the servers of a cluster in hand. */
  readonly control: Control | null
  /** What is done to connections that are new, before their first byte. */
  readonly newLinks: { meet: ((link: ProxiedConnection) => void) | null }
  readonly poolerPid: number | null
  /** Straight to the server, or to the pooler before it. */
  readonly directUrl: string
  /** Fires when callers and faults are to stop. */
  readonly stopping: AbortSignal
  /** Tells the parent that a backend is frozen, which thaws it if this process can't. */
  readonly onFrozen: (pid: number) => void
}

/** Waits, but not beyond the end of the load. */
export function pause(ms: number, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      stopping.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    stopping.addEventListener('abort', end)
  })
}
