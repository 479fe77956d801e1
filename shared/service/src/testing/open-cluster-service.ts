import { isDeepStrictEqual } from 'node:util'
import { createDatabase, type DrizzleModel, migrate } from '@shared/database'
import { eventually, startCluster } from '@shared/postgres/testing'
import { type OpenServiceOptions, requestsTo, type TestService } from './open-service.ts'

/** A service's app on a primary with a standby that its reads go to. */
export interface TestClusterService<TSchema extends DrizzleModel>
  extends Pick<TestService<TSchema>, 'app' | 'database' | 'send'>,
    AsyncDisposable {
  /** Lets the standby show nothing newer than now. */
  pauseReplay(): Promise<void>
  /** Lets it go on; resolves when it shows all that has been written by now. */
  resumeReplay(): Promise<void>
  /** Reads until all of it was read from the standby: a primary takes the reads that a busy standby does not get to within its time. */
  fromStandby<T>(read: () => Promise<T>): Promise<T>
}

/** Opens a service on a fresh, migrated database with a standby; resolves when reads go there. */
export async function openClusterService<TSchema extends DrizzleModel>(
  options: OpenServiceOptions<TSchema>,
): Promise<TestClusterService<TSchema>> {
  const { service, schema, migrationsFolder, createApp } = options
  await using stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster())
  const [standby] = cluster.standbys
  if (standby === undefined) throw new Error('The cluster has no standby.')
  const { appUrl, migratorUrl } = await cluster.database(service)
  await migrate({ url: migratorUrl, migrationsFolder })
  await cluster.caughtUp(standby)
  const database = createDatabase({
    name: service,
    url: appUrl,
    replicas: { url: standby.url(appUrl) },
    schema,
  })
  stack.defer(() => database.close({ timeoutMs: 2_000 }))
  await database.connect()
  const isStandbyKnown = () =>
    database.hosts().some(({ role, lagMs }) => role === 'standby' && lagMs !== null)
  await eventually(isStandbyKnown)
  const app = createApp({ database })
  const owned = stack.move()
  return {
    app,
    database,
    send: requestsTo(app),
    pauseReplay: () => cluster.pauseReplay(standby),
    async resumeReplay() {
      await cluster.resumeReplay(standby)
      await cluster.caughtUp(standby)
    },
    async fromStandby(read) {
      const { answer } = await eventually(async () => {
        const { standby: before, ...others } = database.readCounts()
        const answer = await read()
        const { standby, ...now } = database.readCounts()
        if (standby === before || !isDeepStrictEqual(now, others)) throw new Error('the primary took a read')
        return { answer }
      })
      return answer
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
