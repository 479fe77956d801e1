/** A column whose type changes under plans that were made for the old one. */
export interface TypeChange {
  name: string
  /** Run before the table is made, as `definitions` and once more to make the type anew. */
  type?: string
  from: string
  /** What ALTER TABLE … ALTER v TYPE says; without it the type is dropped and made anew. */
  to?: string
  /** Valid before and after the change. */
  always: string | null
  /** Valid afterwards; what it keeps shows the type it was read as. */
  after: string
}

export const typeChanges: readonly TypeChange[] = [
  change('timestamp', 'timestamptz', '2022-01-01 00:00:00-02'),
  change('date', 'timestamp', '2022-01-01 12:34:56'),
  change('date', 'timestamptz', '2022-01-01 12:00:00-02'),
  change('time', 'timetz', '10:00:00-02'),
  change('float4', 'float8', '1.123456789012'),
  change('float8', 'numeric', '1.12345678901234567890'),
  change('char(5)', 'text', 'ab   '),
  change('int4', 'int8', '5000000000', '7'),
  change('int4', 'numeric', '1.5', '7'),
  change('int4', 'text', 'one', '7'),
  change('int4', 'uuid using null', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', null),
  change('inet', 'text', 'localhost', '127.0.0.1'),
  renewal('an enum', 'mood', "create type mood as enum ('good', 'bad')", 'good'),
  renewal('a domain', 'short', 'create domain short as varchar(5)', 'good'),
  renewal('a composite', 'pair', 'create type pair as (a int, b text)', '(1,x)'),
]

/** The statements that make the table of a change, for the runtime role to fill. */
export function tableText({ type, from }: TypeChange, table: string): string {
  return `${type === undefined ? '' : `${type.replace(from, typeOf(from, table))};`}
    create table ${table} (v ${typeOf(from, table)}, phase int not null, era int not null default 0)`
}

/** The statements that change its type, and mark what is stored from then on as of era 1. */
export function changeText({ type, from, to }: TypeChange, table: string): string {
  const own = typeOf(from, table)
  const alter = `alter table ${table} alter v type`
  const change = to
    ? `${alter} ${to}`
    : `${alter} text using v::text; drop type ${own}; ${type?.replace(from, own)}; ${alter} ${own} using v::${own}`
  return `${change}; alter table ${table} alter era set default 1`
}

// Each table has a type of its own, so that one can be dropped without the other.
function typeOf(from: string, table: string): string {
  return /^(?:mood|short|pair)$/.test(from) ? `${from}_${table}` : from
}

function change(from: string, to: string, after: string, always: string | null = after): TypeChange {
  return { name: `${from} to ${to}`, from, to, always, after }
}

function renewal(what: string, from: string, type: string, value: string): TypeChange {
  return { name: `${what} dropped and made anew`, type, from, always: value, after: value }
}
