import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationExitCode, createServiceEnv } from '@shared/env'
import { commands } from '../../src/commands/index.ts'
import { findServices } from '../../src/workspace/services.ts'
import { containerOf, durationMs, readCompose } from '../compose/compose-file.ts'
import { instructionsOf, readDockerfile } from '../compose/dockerfile.ts'
import { makeMounts, secretsOf } from './environment.ts'
import { build, deployFolder } from './kustomization.ts'
import { type Manifest, manifestOf, ofKind, type Pod, podOf, podsOf, titleOf } from './manifests.ts'

const services = await findServices([])
const names = services.map(({ service }) => service)
const named = services.map((service) => [service.service, service] as const)
const dockerfile = readDockerfile()
/** The CLI's exit code for it. */
const wrongCommandLine = 2

/** The user that a stage of the Dockerfile runs as. */
function userOf(stage: string): number {
  const [user = ''] = instructionsOf(dockerfile, stage, 'USER')
  return Number(user.split(':')[0])
}

/** What a pod of restricted clusters has to say, and that its root is read-only. */
function confinementOf({ spec, container }: Pod) {
  const { runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccompProfile } = spec.securityContext ?? {}
  return {
    pod: { runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccomp: seccompProfile?.type },
    container: container.securityContext,
    token: spec.automountServiceAccountToken,
    links: spec.enableServiceLinks,
    writable: (container.volumeMounts ?? [])
      .filter(({ readOnly }) => !readOnly)
      .map((mount) => mount.mountPath),
    limits: Object.keys(container.resources?.limits ?? {}),
    requests: Object.keys(container.resources?.requests ?? {}).sort(),
  }
}

const confinement = (user: number): ReturnType<typeof confinementOf> => ({
  pod: { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user, seccomp: 'RuntimeDefault' },
  container: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  token: false,
  links: false,
  writable: ['/tmp'],
  limits: ['memory'],
  requests: ['cpu', 'memory'],
})

/** Times in ms: how long a service may take to stop, and how long its pod is given. */
function stopOf(documents: readonly Manifest[], service: (typeof services)[number]) {
  const pod = podOf(documents, service.service)
  const mounts = makeMounts(secretsOf(names))
  try {
    const environment = mounts.environmentOf(pod, documents, service)
    const env = createServiceEnv({ ...service, environment })
    const preStop = pod.container.lifecycle?.preStop?.sleep?.seconds ?? 0
    return {
      preStopMs: preStop * 1000,
      neededMs: (preStop + env.SHUTDOWN_TIMEOUT) * 1000,
      graceMs: (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000,
    }
  } finally {
    mounts.remove()
  }
}

describe('services/deploy', () => {
  test('has for each service of the workspace what it needs, and nothing else', () => {
    const { documents } = build()
    const expected = names.flatMap((name) => [
      ...['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Service', 'ServiceAccount'].map(
        (kind) => `${kind} ${name}`,
      ),
      `Cluster ${name}-db`,
      `ConfigMap ${name}-database`,
      `Job migrate-${name}`,
      `Job provision-${name}`,
    ])
    const found = documents.filter(({ kind }) => kind !== 'NetworkPolicy').map(titleOf)
    expect(found.sort()).toEqual([...expected, 'Namespace database-connections'].sort())
  })

  test.each(named)(
    'lets %s listen where its definition says, and leads its Service there',
    (name, service) => {
      const { documents } = build()
      const { labels, container } = podOf(documents, name)
      const { spec } = manifestOf(documents, 'Service', name)
      expect({ ports: container.ports, service: spec?.ports, selector: spec?.selector }).toEqual({
        ports: [{ name: 'http', containerPort: service.port }],
        service: [{ name: 'http', port: service.port, targetPort: 'http', appProtocol: 'http' }],
        selector: labels,
      })
    },
  )

  test('says of each document whose it is, but for what is for all', () => {
    const ownerOf = ({ metadata }: Manifest) => metadata?.labels?.['app.kubernetes.io/name']
    const nameless = build().documents.filter((document) => !names.includes(ownerOf(document) ?? ''))
    expect(
      nameless.map(({ kind }) => kind).filter((kind) => !/^(Namespace|NetworkPolicy)$/.test(kind)),
    ).toEqual([])
  })

  test.each(names)('finds the pods of %s by labels that no other pod has', (name) => {
    const { documents } = build()
    const { labels, spec } = podOf(documents, name)
    const selectors = [
      manifestOf(documents, 'Deployment', name).spec?.selector.matchLabels,
      manifestOf(documents, 'PodDisruptionBudget', name).spec?.selector?.matchLabels,
      ...(spec.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector?.matchLabels),
    ]
    const twins = podsOf(documents).filter((pod) => Bun.deepEquals(pod.labels, labels))
    expect({ selectors, twins: twins.length }).toEqual({ selectors: Array(4).fill(labels), twins: 1 })
  })

  test.each(names)('spreads %s over zones and nodes, and lets one pod at a time go', (name) => {
    const { documents } = build()
    const spread = podOf(documents, name).spec.topologySpreadConstraints ?? []
    const { maxUnavailable } = manifestOf(documents, 'PodDisruptionBudget', name).spec ?? {}
    const { replicas = 0, strategy } = manifestOf(documents, 'Deployment', name).spec ?? {}
    expect({
      keys: spread.map(({ topologyKey }) => topologyKey),
      maxUnavailable,
      several: replicas > 1,
      strategy,
    }).toEqual({
      keys: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'],
      maxUnavailable: 1,
      several: true,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    })
  })

  test.each(names)("probes %s as its image's own health check does", (name) => {
    const { startupProbe, livenessProbe, readinessProbe } = podOf(build().documents, name).container
    const [check = ''] = instructionsOf(dockerfile, 'service', 'HEALTHCHECK')
    const option = (key: string): number => durationMs(new RegExp(`--${key}=(\\S+)`).exec(check)?.[1]) / 1000
    const retries = Number(/--retries=(\d+)/.exec(check)?.[1])
    const times = { timeoutSeconds: option('timeout') }
    const alive = { httpGet: { path: '/livez', port: 'http' } }
    expect({ startupProbe, livenessProbe, readinessProbe }).toEqual({
      startupProbe: {
        ...alive,
        ...times,
        periodSeconds: option('start-interval'),
        failureThreshold: option('start-period') / option('start-interval'),
      },
      livenessProbe: { ...alive, ...times, periodSeconds: option('interval'), failureThreshold: retries },
      readinessProbe: {
        httpGet: { path: '/readyz', port: 'http' },
        ...times,
        periodSeconds: 5,
        failureThreshold: 2,
      },
    })
  })

  test.each(named)('gives %s longer to stop than it takes', (_name, service) => {
    const { preStopMs, neededMs, graceMs } = stopOf(build().documents, service)
    expect(preStopMs).toBeGreaterThanOrEqual(5_000)
    expect(graceMs).toBeGreaterThanOrEqual(neededMs + 5_000)
  })

  test('is found wrong with a service that takes longer to stop than its pod is given', () => {
    const { documents } = build()
    Object.assign(manifestOf(documents, 'ConfigMap', 'auth').data ?? {}, { SHUTDOWN_TIMEOUT: '60' })
    const [auth] = services.filter(({ service }) => service === 'auth')
    const { neededMs, graceMs } = auth === undefined ? { neededMs: 0, graceMs: 0 } : stopOf(documents, auth)
    expect(neededMs).toBeGreaterThan(graceMs)
  })

  test('confines every pod, as the user that its image is made for', () => {
    const { documents } = build()
    const stageOf = (name: string): string => (names.includes(name) ? 'service' : 'tools')
    const pods = podsOf(documents)
    expect(Object.fromEntries(pods.map((pod) => [pod.name, confinementOf(pod)]))).toEqual(
      Object.fromEntries(pods.map(({ name }) => [name, confinement(userOf(stageOf(name)))])),
    )
    expect(
      ofKind(documents, 'ServiceAccount').map((account) => account.automountServiceAccountToken),
    ).toEqual(names.map(() => false))
    expect(manifestOf(documents, 'Namespace', 'database-connections').metadata?.labels).toEqual({
      'pod-security.kubernetes.io/enforce': 'restricted',
    })
  })

  test('is found wrong with a pod that is less confined', () => {
    const pod = podOf(build().documents, 'auth')
    Object.assign(pod.container.securityContext ?? {}, { readOnlyRootFilesystem: false })
    expect(confinementOf(pod)).not.toEqual(confinement(userOf('service')))
  })

  test('runs the images that docker-compose.yml builds, in production each by a version', () => {
    const compose = readCompose()
    const imagesOf = (documents: readonly Manifest[]): (string | undefined)[] =>
      podsOf(documents).map(({ container }) => container.image)
    const { documents } = build()
    const pods = podsOf(documents).map(({ name }) => name)
    expect({
      base: names.flatMap((name) => imagesOf(build(`${deployFolder}/base/${name}`).documents)).sort(),
      production: imagesOf(documents),
    }).toEqual({
      base: pods.map((name) => containerOf(compose, name).image).sort(),
      production: pods.map((name) =>
        expect.stringMatching(new RegExp(`/${containerOf(compose, name).image}:\\d+\\.\\d+\\.\\d+$`)),
      ),
    })
  })

  test.each(names)(
    'prepares %s with commands that the CLI has, which are not repeated where that is of no use',
    (name) => {
      const { documents } = build()
      const jobs = ['provision', 'migrate'].map((step) => {
        const { spec } = manifestOf(documents, 'Job', `${step}-${name}`)
        const [rule] = spec?.podFailurePolicy?.rules ?? []
        return {
          args: podOf(documents, `${step}-${name}`).container.args,
          restart: spec?.template.spec?.restartPolicy,
          fails: rule?.action === 'FailJob' ? rule.onExitCodes?.values : [],
        }
      })
      const common = { restart: 'Never' as const, fails: [wrongCommandLine, configurationExitCode] }
      expect(jobs).toEqual([
        { ...common, args: ['db:provision', name, '--adopt', '--close-shared-databases'] },
        { ...common, args: ['db:migrate', name] },
      ])
      expect(Object.keys(commands)).toEqual(expect.arrayContaining(['db:provision', 'db:migrate']))
    },
  )

  test('is applied step by step by the selectors in its README, which leave no document out', () => {
    const stepOf = ({ metadata }: Manifest) => metadata?.labels?.['app.kubernetes.io/component']
    const steps = new Set(build().documents.flatMap((document) => stepOf(document) ?? []))
    const readme = readFileSync(join(deployFolder, 'README.md'), 'utf8')
    const applied = [...readme.matchAll(/^apply "\$step=(\w+)" &&/gm)].map(([, step = '']) => step)
    const others = /^apply "\$step notin \((.*)\)"$/m.exec(readme)?.[1]?.split(',') ?? []
    expect({ applied, others }).toEqual({ applied: ['provision', 'migrate', 'service'], others: applied })
    expect([...steps].sort()).toEqual(applied.toSorted())
  })

  test.each(names)(
    'brings the database of %s, then its roles, its tables and its pods, for Argo CD in waves',
    (name) => {
      const { documents } = build()
      const waveOf = ({ metadata }: Manifest): number =>
        Number(metadata?.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0)
      const steps = [
        manifestOf(documents, 'Cluster', `${name}-db`),
        manifestOf(documents, 'Job', `provision-${name}`),
        manifestOf(documents, 'Job', `migrate-${name}`),
        manifestOf(documents, 'Deployment', name),
      ]
      const others = documents.filter((document) => waveOf(document) !== 0).map(({ kind }) => kind)
      expect({ waves: steps.map(waveOf), kinds: [...new Set(others)].sort() }).toEqual({
        waves: [0, 1, 2, 3],
        kinds: ['Deployment', 'Job'],
      })
    },
  )
})
