import { expect, test } from 'bun:test'
import { readQuery } from './promql.ts'

test.each([
  ['up == 0', [{ metric: 'up', labels: [] }], []],
  [
    'rate(http_requests_total{status=~"5..", route!="a{b}"}[5m]) > 0.1',
    [{ metric: 'http_requests_total', labels: ['status', 'route'] }],
    [],
  ],
  [
    'histogram_quantile(0.99, sum by (le, service) (rate(wait_bucket[5m])))',
    [{ metric: 'wait_bucket', labels: [] }],
    ['le', 'service'],
  ],
  [
    'a:b:ratio{x="1"} / ignoring (y) max and time() - c offset 5m > 10 * d',
    [
      { metric: 'a:b:ratio', labels: ['x'] },
      { metric: 'max', labels: [] },
      { metric: 'c', labels: [] },
      { metric: 'd', labels: [] },
    ],
    ['y'],
  ],
])('finds the metrics and labels of %s', (expression, selectors, grouping) => {
  expect(readQuery(expression)).toEqual({ selectors, grouping })
})
