import { describe, expect, test } from 'bun:test'
import { admitStandbys } from './access-rules.ts'

const rule = (line: string): string => line.trim().split(/\s+/).join(' ')

describe('admitStandbys', () => {
  const initial = [
    '# TYPE  DATABASE  USER  ADDRESS  METHOD',
    'local   all          all                 scram-sha-256',
    'host    all          all  127.0.0.1/32   scram-sha-256',
    '# Allow replication connections from localhost.',
    'local   replication  all                 scram-sha-256',
    'host    replication  all  127.0.0.1/32   scram-sha-256',
    'host    replication  all  ::1/128        scram-sha-256',
    '',
  ].join('\n')

  test('lets the role replicate and nothing else, and nobody else replicate', () => {
    expect(admitStandbys(initial, 'copier').split('\n').map(rule)).toEqual([
      '# TYPE DATABASE USER ADDRESS METHOD',
      'host all copier 127.0.0.1/32 reject',
      'host replication copier 127.0.0.1/32 scram-sha-256',
      'local all all scram-sha-256',
      'host all all 127.0.0.1/32 scram-sha-256',
      '# Allow replication connections from localhost.',
      '',
    ])
  })

  test('leaves a text that it has changed before as it is', () => {
    const once = admitStandbys(initial, 'copier')
    expect(admitStandbys(once, 'copier')).toBe(once)
  })

  test('serves a file without rules', () => {
    expect(admitStandbys('', 'copier').split('\n').map(rule)).toEqual([
      '',
      'host all copier 127.0.0.1/32 reject',
      'host replication copier 127.0.0.1/32 scram-sha-256',
    ])
  })
})
