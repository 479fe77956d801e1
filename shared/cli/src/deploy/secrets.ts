import { randomBytes } from 'node:crypto'
import { findServices } from '../workspace/services.ts'

/** A Secret of Kubernetes, as far as this project makes any. */
export interface Secret {
  readonly apiVersion: 'v1'
  readonly kind: 'Secret'
  readonly type: 'Opaque' | 'kubernetes.io/basic-auth'
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly stringData: Readonly<Record<string, string>>
}

/**
 * The Secrets that the manifests of a service take, with random values: those of the service, and the login of its
 * provisioner, which CloudNativePG gives to the role that the provisioner logs in as.
 */
export function makeSecrets(service: string): [Secret, Secret] {
  const labels = { 'app.kubernetes.io/name': service }
  const [username, password, cluster] = ['provisioner', random(), `${service}-db`]
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: service, labels },
      stringData: {
        'app-password': random(),
        'migrator-password': random(),
        'health-token': random(),
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/basic-auth',
      // With this label the operator sets a changed password at once.
      metadata: { name: `${cluster}-provisioner`, labels: { ...labels, 'cnpg.io/reload': 'true' } },
      stringData: {
        username,
        password,
        url: `postgresql://${username}:${password}@${cluster}-rw:5432/postgres?sslmode=verify-full`,
      },
    },
  ]
}

/** 32 bytes of letters, digits, - and _: also as they are in a URL. */
const random = (): string => randomBytes(32).toString('base64url')

if (import.meta.main) {
  if (process.stdout.isTTY) {
    console.error('This prints passwords: pipe it to kubectl create --filename=-')
    process.exit(2)
  }
  const services = await findServices(process.argv.slice(2))
  const items = services.flatMap(({ service }) => makeSecrets(service))
  console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}
