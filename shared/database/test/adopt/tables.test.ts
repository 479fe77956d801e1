import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { connectionStringKeywords, optionGroups } from '../../src/index.ts'

const page = readFileSync(join(import.meta.dir, '../../../../docs/use-in-your-project.md'), 'utf8')

/** The cells of a table of the page, row by row. */
function tableOf(title: string): string[][] {
  const [, table = ''] = page.split(new RegExp(`<!-- ${title}: (?:begin|end) -->`))
  const rows = table.trim().split('\n').slice(2)
  return rows.map((row) => row.slice(2, -2).split(' | '))
}

/** What stands between single backticks. */
const codesIn = (text: string): string[] =>
  [...text.replace(/```.*?```|``.*?``/gs, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code as string)

const namesOf = (title: string): string[] => tableOf(title).flatMap(([name = '']) => codesIn(name))

describe('what the page calls ours', () => {
  const variables = Object.values(optionGroups).flatMap((group) =>
    Object.values(group as Record<string, { variable: string }>).map(({ variable }) => variable),
  )
  const names = Object.entries(optionGroups).flatMap(([group, options]) =>
    Object.keys(options).map((option) => `${group}.${option}`),
  )

  /** Objects of any content, which no table of options describes. */
  const beyond = ['connection.settings']

  test('exists: each option is in the tables of options', () => {
    const options = codesIn(page).filter((code) => /^(pool|connection|replicas)\.[a-z]\w*$/i.test(code))
    expect(options.length).toBeGreaterThan(60)
    expect(options.filter((option) => ![...names, ...beyond].includes(option))).toEqual([])
  })

  test('exists: each variable is one of a service', () => {
    const known = readFileSync(join(import.meta.dir, '../../../../services/auth/.env.example'), 'utf8')
    const said = codesIn(page).filter((code) => /^DATABASE_[A-Z_]+$/.test(code))
    expect(said.length).toBeGreaterThan(10)
    expect(said.filter((name) => !variables.includes(name) && !known.includes(`${name}=`))).toEqual([])
  })
})

describe('each option of the other is in its table', () => {
  test('of postgres.js, as it parses them', () => {
    const { options } = postgres('postgres://user@localhost/database', { max: 1 })
    // Its own bookkeeping.
    const own = ['shared', 'parameters', 'serializers', 'parsers']
    const known = Object.keys(options).filter((name) => !own.includes(name))
    expect(known.length).toBeGreaterThan(25)
    expect(known.filter((name) => !namesOf('options of postgres.js').includes(name))).toEqual([])
    expect(namesOf('options of postgres.js').filter((name) => !(name in options))).toEqual([])
  })

  test('of node-postgres: those of its pool and the defaults of its client', () => {
    const load = createRequire(import.meta.resolve('pg'))
    const source = readFileSync(load.resolve('pg-pool'), 'utf8')
    const ofPool = [...source.matchAll(/this\.options\.(\w+)/g)].map(([, name]) => name as string)
    // Of a connection string in pieces, and of another implementation.
    const own = ['keepalives', 'keepalives_idle', 'connect_timeout', 'parseInt8']
    const known = new Set([...ofPool, ...Object.keys(pg.defaults)].filter((name) => !own.includes(name)))
    expect(known.size).toBeGreaterThan(25)
    // Some are said beside another one.
    const said = codesIn(tableOf('options of node-postgres').flat().join(' '))
    expect([...known].filter((name) => !said.includes(name))).toEqual([])
  })

  test('of Prisma, with what the connection string does about each', () => {
    const keywords = { ...connectionStringKeywords.libpq, ...connectionStringKeywords.other }
    const rows = tableOf('keywords of Prisma')
    expect(rows.length).toBeGreaterThan(10)
    for (const [name = '', here] of rows) {
      const [keyword = ''] = codesIn(name)
      expect({ keyword, here }).toEqual({ keyword, here: keywords[keyword]?.answer as string })
    }
  })
})
