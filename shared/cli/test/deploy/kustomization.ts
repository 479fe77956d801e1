import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { repositoryRoot } from '../../src/workspace/packages.ts'
import { type Manifest, manifestOf, ofKind, podsOf } from './manifests.ts'

/** What `kubectl kustomize` prints for a folder, and the files it was made of. */
export interface Build {
  documents: Manifest[]
  files: string[]
}

/** The folder of the manifests. */
export const deployFolder = join(repositoryRoot, 'services/deploy')

/** All that a kustomization.yaml of services/deploy may use: {@link build} does the same as kustomize with it. */
interface Kustomization {
  apiVersion: string
  kind: string
  resources: string[]
  generatorOptions?: { labels: Record<string, string> }
  configMapGenerator?: { name: string; behavior?: 'merge'; envs: string[] }[]
  patches?: { target: { kind: Manifest['kind'] }; patch: string }[]
  replicas?: { name: string; count: number }[]
  images?: { name: string; newName: string; newTag: string }[]
  namespace?: string
}

const known: readonly string[] = [
  'apiVersion',
  'kind',
  'resources',
  'generatorOptions',
  'configMapGenerator',
  'patches',
  'replicas',
  'images',
  'namespace',
] satisfies (keyof Kustomization)[]

/**
 * Builds a folder as kustomize does, but for the hash at the end of the names of ConfigMaps.
 *
 * Stricter than kustomize, which ignores a patch, a count or an image that is about nothing.
 *
 * @throws {Error} A file does not exist, nothing is changed by what should change something, or a field is not known.
 */
export function build(folder = join(deployFolder, 'overlays/production')): Build {
  const path = join(folder, 'kustomization.yaml')
  const [kustomization] = readDocuments<Kustomization>(path)
  if (kustomization === undefined) throw new Error(`${path} is empty`)
  const unknown = Object.keys(kustomization).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw new Error(`${path}: this builder does not know ${unknown.join(', ')}`)
  const { resources, generatorOptions, configMapGenerator = [], namespace } = kustomization
  const documents: Manifest[] = []
  const files = [path]
  for (const resource of resources.map((name) => join(folder, name))) {
    const part = isFolder(resource)
      ? build(resource)
      : { documents: readDocuments<Manifest>(resource), files: [resource] }
    documents.push(...part.documents)
    files.push(...part.files)
  }
  for (const { name, behavior, envs } of configMapGenerator) {
    const sources = envs.map((file) => join(folder, file))
    files.push(...sources)
    const data = Object.assign({}, ...sources.map((file) => parseEnv(readFileSync(file, 'utf8'))))
    if (behavior === 'merge') Object.assign(manifestOf(documents, 'ConfigMap', name).data ?? {}, data)
    else
      documents.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...generatorOptions }, data })
  }
  transform(documents, kustomization, path)
  for (const document of documents) {
    if (namespace !== undefined && document.kind !== 'Namespace')
      document.metadata = { ...document.metadata, namespace }
  }
  return { documents, files }
}

/** Reads the documents of a YAML file. @throws {Error} It does not exist. */
export function readDocuments<T>(path: string): T[] {
  if (!existsSync(path)) throw new Error(`${path} does not exist`)
  const parsed = Bun.YAML.parse(readFileSync(path, 'utf8'))
  return (Array.isArray(parsed) ? parsed : [parsed]) as T[]
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

function transform(documents: Manifest[], kustomization: Kustomization, path: string): void {
  const { patches = [], replicas = [], images = [] } = kustomization
  for (const { target, patch } of patches) {
    const targets = ofKind(documents, target.kind)
    if (targets.length === 0) throw new Error(`${path}: there is no ${target.kind} to patch`)
    for (const document of targets) for (const operation of readPatch(patch)) apply(operation, document)
  }
  for (const { name, count } of replicas) {
    const { spec } = manifestOf(documents, 'Deployment', name)
    if (spec !== undefined) spec.replicas = count
  }
  for (const { name, newName, newTag } of images) {
    const used = podsOf(documents).filter(({ container }) => container.image === name)
    if (used.length === 0) throw new Error(`${path}: no container has the image ${name}`)
    for (const { container } of used) container.image = `${newName}:${newTag}`
  }
}

interface Operation {
  op: string
  path: string
  value: unknown
}

const readPatch = (text: string): Operation[] => Bun.YAML.parse(text) as Operation[]

/** RFC 6902, as far as it is used: replaces a field that is there. */
function apply({ op, path, value }: Operation, document: object): void {
  const keys = path.split('/').slice(1)
  const last = keys.pop()
  let parent: unknown = document
  for (const key of keys) parent = isRecord(parent) ? parent[key] : undefined
  if (op !== 'replace' || last === undefined || !isRecord(parent) || !(last in parent))
    throw new Error(`a patch can't ${op} ${path}`)
  parent[last] = value
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
