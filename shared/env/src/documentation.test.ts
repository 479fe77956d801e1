import { expect, test } from 'bun:test'
import { definition } from '../test/environments.ts'
import { renderExample, renderVariableTable, serviceVariables } from './documentation.ts'

test('a table shows the variables asked for, in their order, or all', () => {
  const names = (table: string) => [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
  expect(names(renderVariableTable(['PORT', 'DATABASE_POOL_SIZE']))).toEqual(['PORT', 'DATABASE_POOL_SIZE'])
  expect(names(renderVariableTable())).toEqual(serviceVariables(definition).map(({ name }) => name))
  expect(() => renderVariableTable(['POORT'])).toThrow('There is no variable POORT')
})

test('every variable says what it does, and is required or has a default or is optional, not two of them', () => {
  for (const variable of serviceVariables(definition)) {
    expect(variable.description).toMatch(/\.$|…$/)
    expect(variable.required && variable.default !== null).toBe(false)
  }
})

test('the example names every variable exactly once, secrets with their file twin', () => {
  const names = [...renderExample(definition).matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name ?? '')
  const expected = serviceVariables(definition).flatMap(({ name, secret }) =>
    secret ? [name, `${name}_FILE`] : [name],
  )
  expect(names).toEqual(expected)
})
