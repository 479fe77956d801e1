import { defineCommand } from '../command-line/command.ts'
import { runProduction } from '../running/production.ts'
import { findServices } from '../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Starts the services named, or all of them, with NODE_ENV=production and their own environment: this process's and
services/<name>/.env, .env.production and .env.local. No local PostgreSQL, no migrations, no watching. When one
service ends, the others are stopped and the command ends with its exit code, so that a supervisor notices.`,
  options: {},
  positionals: true,
  async run({ positionals }) {
    return runProduction(await findServices(positionals))
  },
})
