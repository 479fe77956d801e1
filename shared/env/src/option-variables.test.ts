import { expect, test } from 'bun:test'
import type { OptionTable } from '@shared/database'
import { optionVariables } from './option-variables.ts'

const table = {
  lifeMs: {
    kind: 'time',
    min: 1,
    never: true,
    default: Number.POSITIVE_INFINITY,
    variable: 'DATABASE_LIFE',
    sentence: 'Life of what `poolSize` counts.',
  },
  label: {
    kind: 'text',
    maxBytes: 3,
    default: undefined,
    unset: 'none',
    example: 'abc',
    variable: 'DATABASE_LABEL',
    sentence: 'A label.',
  },
} as const satisfies OptionTable

test('an option becomes a variable: in seconds, with its default, and with the variables that its sentence names', () => {
  const { DATABASE_LIFE, DATABASE_LABEL } = optionVariables(table)
  expect({
    life: [DATABASE_LIFE.default, DATABASE_LIFE.description],
    label: ['default' in DATABASE_LABEL && DATABASE_LABEL.default, DATABASE_LABEL.example],
    read: ['-1', '0.001', '0.0001', '0'].map((text) => DATABASE_LIFE.schema.safeParse(text).data),
    labels: ['abc', 'abcd', 'ää'].map((text) => DATABASE_LABEL.schema.safeParse(text).data),
  }).toEqual({
    life: ['-1', 'Life of what DATABASE_POOL_SIZE counts. In seconds; -1: never.'],
    label: [undefined, 'abc'],
    read: [-1, 0.001, undefined, undefined],
    labels: ['abc', undefined, undefined],
  })
})
