import { describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deployFiles } from '../../src/new-service/templates.ts'
import { findServices, type Service } from '../../src/workspace/services.ts'
import { build, deployFolder } from './kustomization.ts'
import { type Manifest, titleOf } from './manifests.ts'

const named = (await findServices([])).map((service) => [service.service, service] as const)
const overlay = (name: string): string => `overlays/production/${name}`

/** What production has of a service by the manifests that `new:service` would write for it. */
function documentsFromTemplates(service: Service): Manifest[] {
  const root = mkdtempSync(join(tmpdir(), 'deploy-'))
  try {
    cpSync(deployFolder, join(root, 'services/deploy'), { recursive: true })
    for (const { path, text } of deployFiles(service)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return build(join(root, 'services/deploy', overlay(service.service))).documents
  } finally {
    rmSync(root, { recursive: true })
  }
}

describe('services/deploy', () => {
  test.each(named)(
    'has for %s what new:service writes, with more only where it calls others or is called',
    (name, service) => {
      const there = build(join(deployFolder, overlay(name))).documents
      const written = documentsFromTemplates(service)
      const titles = written.map(titleOf)
      const same = there.filter((document) => titles.includes(titleOf(document)))
      const more = there.filter((document) => !titles.includes(titleOf(document)))
      expect(more.map(({ kind }) => kind).filter((kind) => kind !== 'NetworkPolicy')).toEqual([])
      // A ConfigMap may say more, about others; everything else is the same to the letter.
      expect(same).toMatchObject(written)
      const plain = (documents: readonly Manifest[]) => documents.filter(({ kind }) => kind !== 'ConfigMap')
      expect(plain(same)).toEqual(plain(written))
    },
  )
})
