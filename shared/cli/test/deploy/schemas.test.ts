import { describe, expect, test } from 'bun:test'
import { makeSecrets } from '../../src/deploy/secrets.ts'
import { findServices } from '../../src/workspace/services.ts'
import { build } from './kustomization.ts'
import { manifestOf, podOf } from './manifests.ts'
import { schemaFindings } from './schemas.ts'

describe('services/deploy', () => {
  test('has documents that the published schemas of Kubernetes and CloudNativePG allow, without any other field', async () => {
    expect(await schemaFindings(build().documents)).toEqual([])
  })

  test('takes Secrets that are made as Kubernetes wants them', async () => {
    const services = await findServices([])
    expect(await schemaFindings(services.flatMap(({ service }) => makeSecrets(service)))).toEqual([])
  })

  test('is found wrong with a field, a value, a kind or a version that does not exist, and with a field too few', async () => {
    const { documents } = build()
    const deployment = manifestOf(documents, 'Deployment', 'auth')
    const [container] = deployment.spec?.template.spec?.containers ?? []
    Object.assign(container?.livenessProbe ?? {}, { periodSecond: 1 })
    Object.assign(container?.resources?.limits ?? {}, { memory: '512 MB' })
    Object.assign(manifestOf(documents, 'Cluster', 'auth-db').spec.bootstrap?.initdb ?? {}, { ownr: 'x' })
    Object.assign(manifestOf(documents, 'Cluster', 'cart-db').spec, { instances: '3' })
    Object.assign(manifestOf(documents, 'Service', 'auth'), { apiVersion: 'v2' })
    Object.assign(manifestOf(documents, 'NetworkPolicy', 'default-deny').spec ?? {}, { policyTypes: ['In'] })
    Object.assign(podOf(documents, 'migrate-auth').container, { name: undefined })
    const found = await schemaFindings([...documents, { apiVersion: 'v1', kind: 'Pot' }])
    for (const finding of [
      /^Service auth: there is no schema for v2$/,
      /^Pot undefined: there is no schema for v1$/,
      /^Deployment auth: .*'"periodSecond"' does not exist in type 'IProbe'/,
      /^Deployment auth: .*limits\/memory must match format "quantity"/,
      /^Cluster auth-db: .*'"ownr"' does not exist in type 'IBootstrapInitDB'/,
      /^Cluster cart-db: .*Type 'string' is not assignable to type 'number'/,
      /^NetworkPolicy default-deny: .*policyTypes\/0 must be equal to one of the allowed values/,
      /^Job migrate-auth: .*containers\/0 must have required property name/,
    ])
      expect(found).toContainEqual(expect.stringMatching(finding))
  })
})
