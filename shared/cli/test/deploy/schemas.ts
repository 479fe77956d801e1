import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/Cluster'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { repositoryRoot } from '../../src/workspace/packages.ts'

/** Any document, right or wrong. */
export interface AnyDocument {
  apiVersion?: string
  kind?: string
  metadata?: { name?: string }
}

interface Model {
  readonly apiVersion: string
  readonly kind: string
  new (data?: never): { validate(): void }
}

/** The published schemas, by the module that has the type too. */
const models: readonly (readonly [module: string, model: Model])[] = [
  ['kubernetes-models/apps/v1', Deployment],
  ['kubernetes-models/batch/v1', Job],
  ['kubernetes-models/networking.k8s.io/v1', NetworkPolicy],
  ['kubernetes-models/policy/v1', PodDisruptionBudget],
  ['kubernetes-models/v1', ConfigMap],
  ['kubernetes-models/v1', Namespace],
  ['kubernetes-models/v1', Secret],
  ['kubernetes-models/v1', Service],
  ['kubernetes-models/v1', ServiceAccount],
  ['@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1', Cluster],
]

/**
 * Compares documents with the published schemas of Kubernetes and CloudNativePG; returns a line for each finding.
 *
 * Their validators check formats and bounds, but let any field pass: so the documents are also compiled as literals of
 * the published types, where a field that is not known is an error.
 */
export async function schemaFindings(documents: readonly AnyDocument[]): Promise<string[]> {
  const known = documents.flatMap((document) => {
    const found = models.find(([, { apiVersion, kind }]) => isOf(document, apiVersion, kind))
    return found === undefined ? [] : [{ document, module: found[0], model: found[1] }]
  })
  const unknown = documents.filter((document) => !known.some((found) => found.document === document))
  return [
    ...unknown.map((document) => `${titleOf(document)}: there is no schema for ${document.apiVersion}`),
    ...known.flatMap(({ document, model }) => valueFindings(document, model)),
    ...(await typeFindings(known)),
  ]
}

const isOf = (document: AnyDocument, apiVersion: string, kind: string): boolean =>
  document.apiVersion === apiVersion && document.kind === kind

const titleOf = ({ kind, metadata }: AnyDocument): string => `${kind} ${metadata?.name}`

function valueFindings(document: AnyDocument, KindModel: Model): string[] {
  try {
    new KindModel(document as never).validate()
    return []
  } catch (error) {
    return [`${titleOf(document)}: ${error instanceof Error ? error.message : error}`]
  }
}

interface Typed {
  readonly document: AnyDocument
  readonly module: string
}

const compilerOptions = {
  strict: true,
  noEmit: true,
  module: 'Preserve',
  moduleResolution: 'bundler',
  target: 'ESNext',
  skipLibCheck: true,
  types: [],
}

/** One line of source for each document, so that the line of an error says which it is about. */
async function typeFindings(documents: readonly Typed[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'))
  try {
    symlinkSync(join(repositoryRoot, 'shared/cli/node_modules'), join(folder, 'node_modules'))
    const lines = documents.map(
      ({ document, module }, index) =>
        `export const d${index}: import('${module}').I${document.kind} = ${JSON.stringify(document)}`,
    )
    writeFileSync(join(folder, 'documents.ts'), lines.join('\n'))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['documents.ts'] }))
    const child = Bun.spawn([process.execPath, 'check', '--no-pretty', '--all'], {
      cwd: folder,
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    const errors = [...out.matchAll(/^documents\.ts\((\d+),\d+\): error \w+: (.*)$/gm)]
    if (exitCode !== 0 && errors.length === 0) throw new Error(`bun check failed:\n${out}${err}`)
    return errors.map(([, line, message]) => {
      const found = documents[Number(line) - 1]
      return `${found === undefined ? 'documents' : titleOf(found.document)}: ${message}`
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
