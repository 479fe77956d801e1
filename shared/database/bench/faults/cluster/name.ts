import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClusterServer, startFaultProxy } from '@shared/postgres/testing'

/** A name for the primary that only some programs know, and whose address changes. */
export interface PrimaryName extends AsyncDisposable {
  /** A URL of a server, with the name in place of its host. */
  url(urlOfServer: string): string
  /** Lets the name lead to a server. */
  point(to: ClusterServer): Promise<void>
  /** What starts a program that knows the name. */
  readonly launcher: readonly string[]
}

const name = 'primary.test'

/**
 * A file of its own over /etc/hosts, which nobody else sees: in a mount namespace that needs no rights where a user may make
 * one.
 */
const launcherWith = (file: string): string[] => [
  ...['unshare', '--map-root-user', '--mount'],
  ...['sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', file],
]

/** Why no name can be given here; null where it can. */
export async function noNameHere(): Promise<string | null> {
  if (process.platform !== 'linux') return 'only on Linux can a program have names of its own'
  const [program, ...args] = launcherWith('/etc/hosts')
  const { exitCode } = await Bun.$`${program} ${args} true`.quiet().nothrow()
  return exitCode === 0 ? null : 'this user may make no mount namespace (unshare --map-root-user --mount)'
}

/** Gives a cluster's servers a common name, which leads to the first one. A server has its own address, all have one port. */
export async function namePrimary(servers: readonly ClusterServer[]): Promise<PrimaryName> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'faults-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'hosts')
  const addresses = new Map<ClusterServer, string>()
  let port = 0
  for (const [index, server] of servers.entries()) {
    const target = { host: server.host, port: server.port }
    const proxy = stack.use(await startFaultProxy({ target, host: `127.0.0.${2 + index}`, port }))
    port = proxy.port
    addresses.set(server, proxy.host)
  }
  // Written where it is: another file of that name would not be the one that is mounted.
  const point = (to: ClusterServer) => writeFile(file, `127.0.0.1 localhost\n${addresses.get(to)} ${name}\n`)
  await point(servers[0] as ClusterServer)
  const owned = stack.move()
  return {
    url(urlOfServer) {
      const url = new URL(urlOfServer)
      url.hostname = name
      url.port = String(port)
      return url.href
    },
    point,
    launcher: launcherWith(file),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
