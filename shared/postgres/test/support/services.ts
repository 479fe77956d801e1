import type { ServiceRoles } from '../../src/index.ts'

/** The roles of three services, as an application would give them; the password has what quoting must survive. */
export function threeServices(): ServiceRoles[] {
  return ['auth', 'product', 'cart'].map((service) => ({
    service,
    database: `${service}_db`,
    owner: `${service}_owner`,
    migrator: { name: `${service}_migrator`, password: `${service} 'mig' "rator" \\ $1 %s;--` },
    app: { name: `${service}_app`, password: `${service}-secret-app`, connectionLimit: 20 },
  }))
}
