import { ConfigurationError } from '@shared/pool'

/** The error for what postgres.js has and this layer does in another way. */
export function lacking(member: string, way: string): ConfigurationError {
  return new ConfigurationError(`${member} of postgres.js is not here. ${way}`)
}

/** What a postgres.js client has that ours does not: each member says how it is done here. */
export const clientLacks = {
  __proto__: Function.prototype,
  listen(): never {
    throw lacking('listen()', 'Use database.listen(channel, handler).')
  },
  subscribe(): never {
    throw lacking(
      'subscribe()',
      'Logical replication needs a client of its own; database.listen() has notifications.',
    )
  },
  reserve(): never {
    throw lacking(
      'reserve()',
      'Use database.use(({ db }) => …), which gives its connection back in any case.',
    )
  },
  file(): never {
    throw lacking('file()', 'Use unsafe(await Bun.file(path).text(), parameters).')
  },
  json(): never {
    throw lacking('json()', 'Give JSON.stringify(value), with a cast in the text: $1::jsonb.')
  },
  array(): never {
    throw lacking('array()', 'Give the array itself to unsafe(), with a cast in the text: $1::int[].')
  },
  typed(): never {
    throw lacking('typed()', 'Give the value itself, with a cast in the text: $1::date.')
  },
  get types(): never {
    throw lacking('types', 'Give the value itself, with a cast in the text: $1::date.')
  },
  largeObject(): never {
    throw lacking(
      'largeObject()',
      'Use the functions lo_get, lo_put and lo_from_bytea; a bytea column, or copyIn(), is simpler.',
    )
  },
  get parameters(): never {
    throw lacking('parameters', 'Ask the server: db.execute(sql`show timezone`).')
  },
  end(): never {
    throw lacking('end()', 'Use database.close({ timeoutMs }).')
  },
  close(): never {
    throw lacking('close()', 'Use database.close({ timeoutMs: 0 }).')
  },
}

/** How what a query of postgres.js has is done here. */
const queryWays = {
  cursor: 'Use database.stream(sql`…`, { batchSize }).',
  forEach: 'Use for await (const row of database.stream(sql`…`)).',
  readable: 'Use database.copyOut(table or query).',
  writable: 'Use database.copyIn(table, source).',
  cancel: 'Use database.within({ signal, timeoutMs }, fn).',
  describe: 'The columns of a result are in its columns.',
  raw: 'Use values() for rows as arrays, or database.copyOut() for bytes.',
}

/** The error for a member that a query of postgres.js has. */
export function queryLacks(member: keyof typeof queryWays): ConfigurationError {
  return lacking(`${member}()`, queryWays[member])
}
