import { startTestServer, type TestServer } from '@shared/postgres/testing'
import postgres from 'postgres'
import { createTables } from './product.ts'

/** A server of the program's own with the tables in it. */
export interface World extends AsyncDisposable {
  readonly server: TestServer
  /** The runtime role's URL. */
  readonly url: string
  readonly version: string
}

/** Starts the server; disposing stops it and removes its data. */
export async function createWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestServer())
  const { appUrl, ownerUrl } = await server.database()
  await createTables(ownerUrl)
  const sql = postgres(appUrl, { max: 1, onnotice: () => {} })
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  await sql.end({ timeout: 1 })
  const owned = stack.move()
  return {
    server,
    url: appUrl,
    version: row?.version ?? '',
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
