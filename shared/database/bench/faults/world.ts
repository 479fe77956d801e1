import { type FaultProxy, startFaultProxy, startTestServer, type TestServer } from '@shared/postgres/testing'
import postgres from 'postgres'

/** What the scenarios break: a server of the program's own, and a proxy before it. */
export interface World extends AsyncDisposable {
  readonly server: TestServer
  readonly proxy: FaultProxy
  readonly version: string
  /** The runtime role's URL, straight to the server. */
  readonly url: string
  /** The superuser's connection; made again after a restart of the server. */
  admin(): Promise<postgres.Sql>
}

/** Starts both; disposing stops both and removes the server's data. */
export async function createWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestServer())
  const { appUrl } = await server.database()
  const proxy = stack.use(await startFaultProxy({ target: server }))
  let admin: postgres.Sql | null = null
  stack.defer(() => admin?.end({ timeout: 1 }))
  const connectAdmin = async (): Promise<postgres.Sql> => {
    admin ??= postgres(server.adminUrl, { max: 1, onnotice: () => {}, backoff: false })
    await admin`select 1`
    return admin
  }
  const [row] = await (await connectAdmin())<{ version: string }[]>`
    select current_setting('server_version') as version`
  const owned = stack.move()
  return {
    server,
    proxy,
    version: row?.version ?? '',
    url: appUrl,
    admin: connectAdmin,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
