import { integer, text } from 'drizzle-orm/pg-core'
import type { ConformanceCase } from '../case.ts'
import { columnCase } from '../cases/column-case.ts'

export const dimensionCases: ConformanceCase[] = [
  columnCase('an integer array of two dimensions keeps its shape', () => integer('value').array().array(), [
    [],
    [
      [1, 2],
      [3, 4],
    ],
    [
      [null, 1],
      [2, null],
    ],
    [[1], [2, 3]],
    [[], []],
  ]),
  columnCase(
    'an integer array of three dimensions keeps its shape',
    () => integer('value').array().array().array(),
    [
      [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ],
    ],
  ),
  columnCase('an array of a fixed size is not checked', () => integer('value').array(2), [
    [1, 2],
    [1, 2, 3],
  ]),
  columnCase('a text array of two dimensions keeps awkward strings', () => text('value').array().array(), [
    [
      ['a,b', '{c}'],
      ['"d"', '\\e'],
    ],
    [
      ['', ' '],
      ['NULL', 'null'],
    ],
  ]),
]
