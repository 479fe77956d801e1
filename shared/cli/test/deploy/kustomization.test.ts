import { describe, expect, test } from 'bun:test'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serviceNames } from '../../src/workspace/services.ts'
import { build, deployFolder } from './kustomization.ts'
import { type Manifest, titleOf } from './manifests.ts'

const names = serviceNames()
const kubectl = Bun.which('kubectl')

/** What `kubectl kustomize` makes of a folder, without the hash at the end of the names of ConfigMaps. */
function kustomize(program: string, folder: string): Manifest[] {
  const { exitCode, stdout, stderr } = Bun.spawnSync([program, 'kustomize', folder])
  if (exitCode !== 0) throw new Error(stderr.toString())
  const text = stdout.toString()
  const maps =
    /^kind: ConfigMap\nmetadata:\n(?: {2}labels:\n(?: {4}.*\n)+)? {2}name: ([\w-]+)-([a-z0-9]{10})$/gm
  const generated = [...text.matchAll(maps)]
  const plain = generated.reduce(
    (rest, [, name, hash]) => rest.replaceAll(`${name}-${hash}`, `${name}`),
    text,
  )
  return Bun.YAML.parse(plain) as Manifest[]
}

const sorted = (documents: readonly Manifest[]): Manifest[] =>
  documents.toSorted((left, right) => (titleOf(left) < titleOf(right) ? -1 : 1))

/** Builds a copy of the folder in which a file was changed. */
function buildChanged(file: string, change: (text: string) => string): () => unknown {
  const copy = mkdtempSync(join(tmpdir(), 'deploy-'))
  try {
    cpSync(deployFolder, copy, { recursive: true })
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    const changed = change(text)
    if (changed === text) throw new Error(`${file} was not changed`)
    writeFileSync(path, changed)
    const result = (() => {
      try {
        return build(join(copy, 'overlays/production'))
      } catch (error) {
        return error
      }
    })()
    return () => {
      if (result instanceof Error) throw result
      return result
    }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

describe('services/deploy', () => {
  test('has no file that production is not made of, but for its README', () => {
    const entries = readdirSync(deployFolder, { recursive: true, withFileTypes: true })
    const there = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
    expect(there.sort()).toEqual([...build().files, join(deployFolder, 'README.md')].sort())
  })

  test('names no two documents alike', () => {
    const titles = build().documents.map(titleOf)
    expect(titles.length).toBe(new Set(titles).size)
  })

  test.skipIf(kubectl === null)('is built by kubectl to the very documents that are tested here', () => {
    const folders = ['overlays/production', ...names.map((name) => `base/${name}`)]
    for (const folder of folders.map((path) => join(deployFolder, path)))
      expect(sorted(kustomize(kubectl ?? '', folder))).toEqual(sorted(build(folder).documents))
  })

  test.each([
    [
      'a resource that does not exist',
      'base/auth/kustomization.yaml',
      'jobs.yaml',
      'job.yaml',
      'job.yaml does not exist',
    ],
    [
      'a folder that does not exist',
      'overlays/production/kustomization.yaml',
      '- auth',
      '- auht',
      'auht does not exist',
    ],
    [
      'a patch of a kind that is not there',
      'overlays/production/kustomization.yaml',
      'kind: Cluster',
      'kind: Secret',
      'there is no Secret to patch',
    ],
    [
      'a patch of a field that is not there',
      'overlays/production/kustomization.yaml',
      '/spec/instances',
      '/spec/instance',
      "a patch can't replace /spec/instance",
    ],
    [
      'a count for nothing',
      'overlays/production/auth/kustomization.yaml',
      'name: auth, count',
      'name: aut, count',
      'there is no Deployment aut',
    ],
    [
      'an image that nothing runs',
      'overlays/production/auth/kustomization.yaml',
      '- name: database-connections-auth',
      '- name: connections-auth',
      'no container has the image connections-auth',
    ],
    [
      'values for a ConfigMap that is not there',
      'overlays/production/auth/kustomization.yaml',
      'name: auth, behavior',
      'name: aut, behavior',
      'there is no ConfigMap aut',
    ],
    [
      'a field that is not known',
      'overlays/production/kustomization.yaml',
      'images:',
      'image:',
      'this builder does not know image',
    ],
  ])('is found wrong with %s', (_, file, old, changed, message) => {
    expect(buildChanged(file, (text) => text.replace(old, changed))).toThrow(message)
  })
})
