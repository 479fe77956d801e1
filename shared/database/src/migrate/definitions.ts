import { sql } from 'drizzle-orm'
import type { DrizzleDatabase, NoModel } from '../drizzle/handle.ts'

/** What a schema holds that a migration makes, written as the server writes it and without the schema's name. */
export interface Definition {
  readonly kind: 'table' | 'column' | 'constraint' | 'index' | 'enum'
  /** The table's name; that of the type for an enum. */
  readonly of: string
  /** The name within the table; empty for a table and an enum. */
  readonly name: string
  readonly text: string
}

type Runner = Pick<DrizzleDatabase<NoModel>, 'execute'>

// Constraints of kind n are what attnotnull says already; the index of a constraint is part of it.
const definitionsText = (schema: string) => `
  with own as (select oid, relname from pg_class where relnamespace = '${schema}'::regnamespace and relkind in ('r', 'p'))
  select 'table' as kind, relname as of, '' as name, '' as text from own
  union all
  select 'column', relname, attname, concat_ws(' ', format_type(atttypid, atttypmod), case when attnotnull then 'not null' end,
      'default ' || pg_get_expr(adbin, adrelid), case attidentity when 'a' then 'always identity' when 'd' then 'identity' end,
      case attgenerated when 's' then 'stored' when 'v' then 'virtual' end)
    from own join pg_attribute a on attrelid = own.oid left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attnum > 0 and not attisdropped
  union all
  select 'constraint', relname, conname, pg_get_constraintdef(c.oid)
    from own join pg_constraint c on conrelid = own.oid where contype <> 'n'
  union all
  select 'index', own.relname, i.relname, regexp_replace(pg_get_indexdef(indexrelid), ' INDEX \\S+ ON', ' INDEX ON')
    from own join pg_index on indrelid = own.oid join pg_class i on i.oid = indexrelid
    where not exists (select from pg_constraint where conindid = indexrelid and conrelid = indrelid)
  union all
  select 'enum', typname, '', (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid)
    from pg_type t where typnamespace = '${schema}'::regnamespace and typtype = 'e'
  order by 1, 2, 3`

/** Everything of these kinds in a schema of the connected database. */
export async function readDefinitions(db: Runner, schema: string): Promise<Definition[]> {
  const rows = await db.execute<{ kind: Definition['kind']; of: string; name: string; text: string }>(
    sql.raw(definitionsText(schema)),
  )
  const unqualified = (text: string): string => text.replaceAll(`${schema}.`, '').replaceAll('public.', '')
  return rows.map(({ kind, of, name, text }) => ({ kind, of, name, text: unqualified(text) }))
}

/** How one schema is not what another is, in words; `fix` is the statement that makes it so, where a name is all that differs. */
export interface Difference {
  readonly text: string
  readonly fix: string | null
}

/** Compares everything that is expected with what is there, and the columns of its tables the other way too. */
export function compareDefinitions(
  expected: readonly Definition[],
  found: readonly Definition[],
): Difference[] {
  const tables = new Set(expected.filter(({ kind }) => kind === 'table').map(({ of }) => of))
  const present = new Set(found.filter(({ kind }) => kind === 'table').map(({ of }) => of))
  const missing = [...tables].filter((table) => !present.has(table))
  const differences: Difference[] = missing.map((table) => ({ text: `table ${table} is missing`, fix: null }))
  for (const wanted of expected) {
    if (wanted.kind === 'table' || missing.includes(wanted.of)) continue
    const same = found.find((other) => isSame(wanted, other))
    if (same?.text === wanted.text) continue
    differences.push(differenceOf(wanted, same, renamed(wanted, expected, found)))
  }
  for (const extra of found) {
    if (extra.kind !== 'column' || !tables.has(extra.of)) continue
    if (!expected.some((wanted) => isSame(wanted, extra)))
      differences.push({ text: `column ${extra.of}.${extra.name} is not expected`, fix: null })
  }
  return differences
}

const isSame = (one: Definition, other: Definition): boolean =>
  one.kind === other.kind && one.of === other.of && one.name === other.name

/** The same constraint or index of the same table under a name that is not expected. */
function renamed(
  wanted: Definition,
  expected: readonly Definition[],
  found: readonly Definition[],
): Definition | undefined {
  if (wanted.kind !== 'constraint' && wanted.kind !== 'index') return undefined
  return found.find(
    (other) =>
      other.kind === wanted.kind &&
      other.of === wanted.of &&
      other.text === wanted.text &&
      !expected.some((one) => isSame(one, other)),
  )
}

function differenceOf(
  wanted: Definition,
  same: Definition | undefined,
  other: Definition | undefined,
): Difference {
  const what = wanted.kind === 'enum' ? `enum ${wanted.of}` : `${wanted.kind} ${wanted.of}.${wanted.name}`
  if (same) return { text: `${what} is ${same.text}, expected ${wanted.text}`, fix: null }
  if (other === undefined) return { text: `${what} is missing: ${wanted.text}`, fix: null }
  const [from, to] = [quote(other.name), quote(wanted.name)]
  const fix =
    wanted.kind === 'index'
      ? `ALTER INDEX ${from} RENAME TO ${to};`
      : `ALTER TABLE ${quote(wanted.of)} RENAME CONSTRAINT ${from} TO ${to};`
  return { text: `${what} is called ${other.name}`, fix }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
