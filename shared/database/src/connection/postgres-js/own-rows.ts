/** Rows as the driver answers them, of values as bytes. */
type RowsOfBytes = unknown[] & {
  readonly statement?: {
    readonly columns?: readonly { readonly name: string; readonly type: number }[] | null
  }
}

/** By oid, what the layer reads of its own statements' values: bool, int2, int4, oid, float4 and float8. All else is text. */
const readers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === 't',
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
}

/**
 * Reads rows of bytes that a statement of the layer's own has answered, in place: what callers make of types, in `types`, must
 * not reach what the layer decides by.
 *
 * @param values Rows as arrays, else as objects.
 */
export function readOwnRows<T extends RowsOfBytes>(rows: T, values: boolean): T {
  const columns = rows.statement?.columns ?? []
  for (const [place, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== columns.length) continue
    const read = columns.map(({ name, type }, at) => {
      const bytes: Buffer | null = row[at]
      const text = bytes === null ? null : bytes.toString('utf8')
      return [name, text === null ? null : (readers[type]?.(text) ?? text)] as const
    })
    rows[place] = values ? read.map(([, value]) => value) : Object.fromEntries(read)
  }
  return rows
}
