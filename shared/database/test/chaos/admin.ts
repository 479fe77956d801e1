import pg from 'pg'

/** A way to a server that is not the layer's, nor its driver's. */
export interface Admin {
  /** Runs one statement and returns its rows. */
  <Rows extends readonly object[] = readonly object[]>(
    texts: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Promise<Rows>
  /** Runs statements without values. */
  unsafe(text: string): Promise<void>
  /** Runs work in a transaction. */
  begin(work: (tx: Pick<Admin, 'unsafe'>) => Promise<void>): Promise<void>
  end(): Promise<void>
}

// Of a server that is frozen nothing is waited for longer than most faults take.
const mostMs = 5_000

/** Opens it to a server as its superuser, with up to ten connections. */
export function openAdmin(url: string): Admin {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'chaos admin',
    max: 10,
    connectionTimeoutMillis: mostMs,
    query_timeout: mostMs,
  })
  // One that is lost while nobody has it.
  pool.on('error', () => {})
  const ask = async (texts: TemplateStringsArray, ...values: readonly unknown[]) => {
    const text = texts.reduce((before, after, n) => `${before}$${n}${after}`)
    return (await pool.query(text, [...values])).rows
  }
  return Object.assign(ask, {
    async unsafe(text: string) {
      await pool.query(text)
    },
    async begin(work: (tx: Pick<Admin, 'unsafe'>) => Promise<void>) {
      const client = await pool.connect()
      // One that is lost between two statements; the next says so.
      client.on('error', () => {})
      let failure: Error | undefined
      try {
        await client.query('begin')
        await work({
          async unsafe(text) {
            await client.query(text)
          },
        })
        await client.query('commit')
      } catch (error) {
        failure = error as Error
        throw error
      } finally {
        // One that failed is closed, and its transaction undone by that.
        client.release(failure)
      }
    },
    end: () => pool.end(),
  }) as Admin
}
