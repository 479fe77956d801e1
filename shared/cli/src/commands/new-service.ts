import { defineCommand } from '../command-line/command.ts'
import { UsageError } from '../command-line/errors.ts'
import { listenForStop } from '../command-line/stop-request.ts'
import { makeService } from '../new-service/make.ts'
import { type Plan, planService } from '../new-service/plan.ts'
import { nameRule } from '../new-service/rules.ts'

export const command = defineCommand({
  synopsis: '<name>',
  description: `
Makes a service with a database of its own from shared/cli/templates/service: its code, schema, first migration,
environment and tests, its part of docker-compose.yml, its manifests in services/deploy and a row in README.md. dev, test,
connections and db:* find it at once. Lists what it wrote; refuses before it writes anything, and leaves nothing when it
fails.`,
  options: {
    port: {
      type: 'string',
      value: 'port',
      description: 'Where it listens. Default: the lowest free one from 8001.',
    },
    'allow-dirty': {
      type: 'boolean',
      description: 'Write although docker-compose.yml, README.md or bun.lock have uncommitted changes.',
    },
  },
  positionals: true,
  async run({ values, positionals }) {
    const [name, ...more] = positionals
    if (name === undefined) throw new UsageError(`which name? ${nameRule}.`)
    if (more.length > 0) throw new UsageError(`one service at a time: what is ${more.join(' ')}?`)
    const plan = await planService({ name, port: values.port, allowDirty: values['allow-dirty'] })
    using stop = listenForStop()
    await makeService(plan, stop.signal)
    console.log(report(plan))
    return 0
  },
})

function report({ definition, created, changed, touched }: Plan): string {
  const { service, database, port } = definition
  return [
    `${service}: a service on :${port} with a database ${database}`,
    ...created.map(({ path }) => `  created  ${path}`),
    ...changed.map(({ path }) => `  changed  ${path}`),
    ...touched.map((path) => `  changed  ${path}`),
    '',
    'Next:',
    `  bun run dev                    runs it with the others: http://127.0.0.1:${port}`,
    `  bun run dev ${service.padEnd(19)}runs it beside a dev that runs already`,
    `  bun run test ${service.padEnd(18)}runs its tests`,
    `  git add --all && git diff --cached   shows what was written`,
    `Then make it yours: the tables in drizzle/${service}/schema.ts, a migration for them by`,
    `bun run db:generate ${service}, the routes in services/${service}/src/routes and their tests.`,
    'For Docker, bun shared/cli/src/compose/secrets.ts makes its passwords; for Kubernetes, see services/deploy/README.md.',
  ].join('\n')
}
