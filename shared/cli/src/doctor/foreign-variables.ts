/** A variable of another stack, and what takes its place here; null: nothing does. */
export interface ForeignVariable {
  readonly name: string
  readonly ours: string | null
  readonly why: string
}

/** The arguments of SQLAlchemy's create_engine that this layer has too. */
const options: Readonly<Record<string, string>> = {
  POOL_SIZE: 'DATABASE_POOL_SIZE',
  MAX_OVERFLOW: 'DATABASE_MAX_OVERFLOW',
  POOL_MAX_OVERFLOW: 'DATABASE_MAX_OVERFLOW',
  POOL_TIMEOUT: 'DATABASE_POOL_TIMEOUT',
  POOL_RECYCLE: 'DATABASE_POOL_RECYCLE',
  POOL_PRE_PING: 'DATABASE_POOL_PRE_PING',
  COMMAND_TIMEOUT: 'DATABASE_STATEMENT_TIMEOUT',
}

const address: Readonly<Record<string, string>> = {
  HOST: 'DATABASE_HOST',
  PORT: 'DATABASE_PORT',
  NAME: 'DATABASE_NAME',
  USER: 'DATABASE_USER',
  PASSWORD: 'DATABASE_PASSWORD',
}

const urls = ['SQLALCHEMY_DATABASE_URL', 'SQLALCHEMY_DATABASE_URI', 'ASYNC_DATABASE_URL', 'DB_URL']

const withoutUse: Readonly<Record<string, string>> = {
  ECHO: 'statements are never logged',
  SQL_ECHO: 'statements are never logged',
  DB_ECHO: 'statements are never logged',
  DATABASE_ECHO: 'statements are never logged',
  SQLALCHEMY_ECHO: 'statements are never logged',
  POOL_USE_LIFO: 'an idle connection is always the one used last',
  DATABASE_POOL_USE_LIFO: 'an idle connection is always the one used last',
}

/** An environment as it is once every variable of another stack has the name that it has here. */
export function translated(environment: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(environment).filter(([name]) => foreignVariable(name) === null)
  const renamed = Object.entries(environment).flatMap(([name, value]) => {
    const ours = foreignVariable(name)?.ours
    return ours ? [[ours, value] as const] : []
  })
  return { ...Object.fromEntries(renamed), ...Object.fromEntries(own) }
}

/** What a variable of a FastAPI and SQLAlchemy service is called here, null for a name that means nothing to us. */
export function foreignVariable(name: string): ForeignVariable | null {
  if (Object.hasOwn(withoutUse, name)) return { name, ours: null, why: withoutUse[name] ?? '' }
  if (urls.includes(name)) return { name, ours: 'DATABASE_URL', why: 'the address' }
  const option = options[name.replace(/^(DB|SQLALCHEMY|ENGINE)_/, '')]
  if (option !== undefined) return { name, ours: option, why: "an option of SQLAlchemy's pool" }
  const part = /^(?:DB|POSTGRES)_(\w+)$/.exec(name)?.[1]
  const ours = part === undefined ? undefined : address[part]
  return ours === undefined ? null : { name, ours, why: 'a part of the address' }
}
