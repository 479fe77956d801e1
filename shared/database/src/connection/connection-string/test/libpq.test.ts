import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { libpqKeywords } from '../libpq-keywords.ts'
import { isKeywordValueForm, readKeywordValues } from '../read-keyword-values.ts'
import { readUri } from '../read-uri.ts'
import { loadLibpq } from './libpq.ts'

const libpq = loadLibpq()

/** What a string says here, as libpq would list it; null where it is refused. */
function read(text: string): Record<string, string> | null {
  const result = isKeywordValueForm(text) ? readKeywordValues(text) : readUri(text)
  return 'problems' in result ? null : Object.fromEntries(result.entries)
}

/** Without what is empty: that is not said. */
const filled = (said: Record<string, string> | null) =>
  said && Object.fromEntries(Object.entries(said).filter(([, value]) => value !== '' && !/^,+$/.test(value)))

describe.skipIf(libpq === null)('libpq', () => {
  const { keywords, parse } = libpq as NonNullable<typeof libpq>

  test('knows no keyword that has no row, and every keyword that has one, but for those of other versions', () => {
    const rows = Object.keys(libpqKeywords)
    const ofOtherVersions = { older: ['requiressl'], newer: ['servicefile', 'oauth_ca_file'] }
    const others = new Set(Object.values(ofOtherVersions).flat())
    expect(rows.filter((keyword) => !others.has(keyword)).sort()).toEqual(keywords().sort())
  })

  test.each([
    'postgresql://',
    'postgresql://u@/d',
    'postgresql://u:p@h:5432/d?sslmode=require&connect_timeout=10',
    'postgresql://a:1,b:2/d',
    'postgresql://a,b:2/d',
    'postgresql://a/d?port=1&host=x',
    'postgresql://u:p@localhost:6000/d?host=/cloudsql/p:r:i',
    'postgresql://%2Fvar%2Frun:12/d',
    'postgresql://[::1]:1,[::2]/d',
    'postgresql://h/d?user=a%26b+c',
    'postgresql://u:p@h/d?options=endpoint%3Dabc&channel_binding=require',
    'postgres://h:/d',
    'postgresql://[::1]x/d',
    'postgresql://h/d?user',
    'postgresql://u:%00@h/d',
    'postgresql://u:%zz@h/d',
    "host=a port = 5 dbname='a b\\'c' user=x\\ y password=",
    'host=a password= user=u',
    "host='a",
    "host='a'b=c",
    'host',
    "host=a'b port=1",
  ])('and this layer read %j alike', (text) => {
    expect(filled(read(text))).toEqual(filled(parse(text)))
  })

  test('reads what is written of any text back, in either form, and so does this layer', () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 20 })
      .filter((value) => !/[\p{Cc}\p{Cs}]/u.test(value))
    fc.assert(
      fc.property(text, text, text, (user, password, dbname) => {
        const said = { user, password, dbname }
        const [u, p, d] = [user, password, dbname].map(encodeURIComponent)
        const uri = `postgresql://${u}:${p}@h/${d}`
        const pairs = Object.entries(said).map(
          ([name, value]) => `${name}='${value.replace(/['\\]/g, '\\$&')}'`,
        )
        const expected = { libpq: said, layer: said }
        expect({ libpq: withoutHost(parse(uri)), layer: withoutHost(read(uri)) }).toEqual(expected)
        expect({ libpq: parse(pairs.join(' ')), layer: read(pairs.join(' ')) }).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  }, 300_000)
})

const withoutHost = (said: Record<string, string> | null) => {
  const { host: _, ...others } = said ?? {}
  return others
}
