import { type Host, hostName } from '../target.ts'
import { HostWatch } from './host-watch.ts'

/** One for each set of hosts and way to log in, for as long as a pool of this process watches them. */
const watches = new Map<string, HostWatch>()

/**
 * The watch of these hosts that all pools of this process share which log in alike.
 *
 * @param login What decides beside the host what a server is to who logs in: a role, a database or a session may be read-only.
 */
export function watchOf(hosts: readonly Host[], login: readonly unknown[]): HostWatch {
  const key = JSON.stringify([hosts.map(hostName).sort(), login])
  const shared = watches.get(key)
  if (shared) return shared
  const watch = new HostWatch(hosts, () => watches.delete(key))
  watches.set(key, watch)
  return watch
}
