import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { eventually, startTestServer, type TestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase, type Database } from '../src/index.ts'
import type { Authority, Certified } from './certificates.ts'

/** A server of the test's own whose TLS can be switched. */
export interface TlsServer extends AsyncDisposable {
  readonly server: TestServer
  readonly admin: Database<Record<string, never>>
  /** Switches TLS on with this certificate, or off, for connections made from now on. @param clients Who signs those of clients. */
  use(certified: Certified | null, clients?: Authority): Promise<void>
  /** Puts a line before the others of pg_hba.conf. */
  addAccessRule(line: string): Promise<void>
}

export async function startTlsServer(settings?: Readonly<Record<string, string>>): Promise<TlsServer> {
  const server = await startTestServer({ settings })
  const admin = createDatabase({
    name: 'admin',
    url: server.adminUrl,
    connection: { sslMode: 'disable' },
    pool: { poolSize: 2 },
  })
  const { uid, gid } = statSync(server.dataDirectory)
  // The server refuses a key that belongs to somebody else or that others may read.
  const put = (name: string, content: string) => {
    const path = join(server.dataDirectory, name)
    writeFileSync(path, content, { mode: 0o600 })
    chownSync(path, uid, gid)
  }
  /** The server reads its files again in its own time: only what it has loaded since is in use. */
  async function reload() {
    const loadedAt = sql`select pg_conf_load_time()::text as at`
    const before = (await admin.db.execute<{ at: string }>(loadedAt))[0]?.at
    await admin.db.execute(sql`select pg_reload_conf()`)
    await eventually(async () => {
      // A new backend inherits what the postmaster has loaded.
      admin.invalidate()
      return (await admin.db.execute<{ at: string }>(loadedAt))[0]?.at !== before
    })
  }
  return {
    server,
    admin,
    async use(certified, clients) {
      if (certified) {
        put('server.crt', certified.certificate)
        put('server.key', certified.key)
      }
      if (clients) put('clients.crt', clients.certificate)
      await admin.db.execute(sql.raw(`alter system set ssl_ca_file = '${clients ? 'clients.crt' : ''}'`))
      await admin.db.execute(sql.raw(`alter system set ssl = ${certified ? 'on' : 'off'}`))
      await reload()
    },
    async addAccessRule(line) {
      const path = join(server.dataDirectory, 'pg_hba.conf')
      put('pg_hba.conf', `${line}\n${readFileSync(path, 'utf8')}`)
      await reload()
    },
    async [Symbol.asyncDispose]() {
      await admin.close({ timeoutMs: 0 })
      await server[Symbol.asyncDispose]()
    },
  }
}

/** A TCP server on 127.0.0.1 that is not PostgreSQL. */
export interface PlainServer extends Disposable {
  readonly port: number
}

export function listen(onConnection: (socket: Socket) => void): Promise<PlainServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        [Symbol.dispose]() {
          server.close()
          for (const socket of sockets) socket.destroy()
        },
      })
    })
  })
}

/** Forwards to a server and keeps what each client sends, as it is on the wire. */
export async function listenIn({ host, port }: { host: string; port: number }) {
  const sent: Buffer[] = []
  const server = await listen((client) => {
    const index = sent.push(Buffer.alloc(0)) - 1
    const upstream = connect({ host, port }).on('error', () => client.destroy())
    client.on('data', (bytes: Buffer) => {
      sent[index] = Buffer.concat([sent[index] as Buffer, bytes])
    })
    client.pipe(upstream).pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  return { port: server.port, sent, [Symbol.dispose]: () => server[Symbol.dispose]() }
}
