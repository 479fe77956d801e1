import { describe, expect, test } from 'bun:test'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { namesIn, readRules, readText, readYaml } from './monitoring-files.ts'

const rules = readRules()
const alerts = rules.filter(({ alert }) => alert !== undefined)
const ruleTests = namesIn('prometheus/rule-tests')
const folder = resolve(import.meta.dir, '..')
const promtool = Bun.which('promtool')

describe('every alert', () => {
  test.each(alerts.map((rule) => [rule.alert ?? '', rule] as const))(
    '%s has a severity, a summary, a description that says what to do, and a section in the README',
    (name, { labels, annotations, expr }) => {
      expect({ labels, annotations, expr }).toEqual({
        labels: { severity: expect.stringMatching(/^(critical|warning)$/) },
        annotations: {
          summary: expect.stringContaining(' '),
          description: expect.stringMatching(/.{80,}/s),
        },
        expr: expect.any(String),
      })
      expect(readText('README.md')).toContain(`\n### ${name}\n`)
    },
  )

  test('has a rule test in which it fires', () => {
    const texts = ruleTests.map(readText).join('\n')
    const tested = new Set([...texts.matchAll(/alertname[:=] ?"?(\w+)/g)].map(([, name = '']) => name))
    expect(alerts.map(({ alert = '' }) => alert).filter((name) => !tested.has(name))).toEqual([])
  })

  test('has a name of its own, as has every recorded series', () => {
    const names = rules.map(({ alert, record }) => alert ?? record ?? '')
    expect({ count: new Set(names).size, empty: names.includes('') }).toEqual({
      count: names.length,
      empty: false,
    })
  })

  test('is in the README, and nothing else is', () => {
    const sections = [...readText('README.md').matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name)
    expect(sections.sort()).toEqual(alerts.map(({ alert = '' }) => alert).sort())
  })
})

test('Prometheus loads the folder that the rules are in, here and in docker-compose.yml', () => {
  for (const name of ['prometheus.yml', 'prometheus.dev.yml'])
    expect(readYaml<{ rule_files: string[] }>(`prometheus/${name}`).rule_files).toEqual(['rules/*.yml'])
})

if (promtool === null) {
  test('promtool is not installed, so no rule was evaluated (Debian: apt-get install prometheus)', () => {
    // Where it was said to be there, its absence is a failure.
    expect(process.env.REQUIRE_PROMTOOL ?? '').toBe('')
  })
} else {
  const run = (words: string[], cwd = folder) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([promtool, ...words], { cwd })
    return { exitCode, output: `${stdout}${stderr}` }
  }

  describe('promtool', () => {
    test.each(['prometheus.yml', 'prometheus.dev.yml'])('accepts %s', (name) => {
      // Only its syntax: the secrets that it names are in the container.
      const { exitCode, output } = run(['check', 'config', '--syntax-only', `prometheus/${name}`])
      expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.stringContaining('is valid') })
    })

    test('accepts every rule, without a warning', () => {
      const { exitCode, output } = run(['check', 'rules', '--lint=all', ...namesIn('prometheus/rules')])
      expect({
        exitCode,
        found: [...output.matchAll(/SUCCESS: (\d+) rules found/g)].map(([, n]) => Number(n)),
      }).toEqual({
        exitCode: 0,
        found: [alerts.length, rules.length - alerts.length],
      })
    })

    test.each(ruleTests)('passes %s', (path) => {
      const { exitCode, output } = run(['test', 'rules', path])
      expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.stringContaining('SUCCESS') })
    })

    test('fails the tests of rules that were changed', () => {
      const copy = mkdtempSync(join(tmpdir(), 'rules-'))
      try {
        cpSync(join(folder, 'prometheus'), copy, { recursive: true })
        const path = join(copy, 'rules/alerts.yml')
        const changed = readFileSync(path, 'utf8').replace(
          'expr: up{job="services"} == 0',
          'expr: up{job="services"} == 2',
        )
        writeFileSync(path, changed)
        const { exitCode, output } = run(['test', 'rules', 'rule-tests/service.yml'], copy)
        expect({ failed: exitCode !== 0, output }).toEqual({
          failed: true,
          output: expect.stringContaining('ServiceDown'),
        })
      } finally {
        rmSync(copy, { recursive: true })
      }
    })
  })
}
