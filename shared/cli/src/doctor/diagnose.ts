import { relative } from 'node:path'
import { explainConfinement, isOfSharedDatabase } from '@shared/monitor/confinement'
import { repositoryRoot } from '../workspace/packages.ts'
import { type LineChange, localFile, planChanges } from './environment-file.ts'
import type { Examination } from './examine.ts'
import { foreignVariable } from './foreign-variables.ts'

/** One thing to do, in order, with the commands that do it. */
export interface Step {
  readonly title: string
  readonly details: readonly string[]
  readonly commands: readonly string[]
}

/** What is well, what to do about the rest, and what may be done. */
export interface Diagnosis {
  readonly works: readonly string[]
  readonly steps: readonly Step[]
  readonly notes: readonly string[]
  /** The lines of each service's `.env.local` that `--fix` writes. */
  readonly changes: ReadonlyMap<Examination, readonly LineChange[]>
}

/**
 * Concludes what was found of the services: pure but for their `.env.local`.
 *
 * @param options.adminGiven Whether DATABASE_ADMIN_URL is set, so that the commands need no more.
 */
export function diagnose(found: readonly Examination[], options: { adminGiven: boolean }): Diagnosis {
  const shared = sharedRole(found)
  const changes = new Map(
    found.map((one) => [
      one,
      planChanges(one.setup.service, one.env?.DATABASE_USER === shared ? shared : null),
    ]),
  )
  const steps = [
    environmentStep(found, changes),
    ...rolesStep(found, shared, options.adminGiven),
    ...migrationSteps(found, shared),
  ].flatMap((step) => step ?? [])
  return { works: worksOf(found, shared), steps, notes: notesOf(found), changes }
}

/** The role that more than one service logs in with. */
function sharedRole(found: readonly Examination[]): string | null {
  const users = found.flatMap(({ env }) => (env === null ? [] : [env.DATABASE_USER]))
  return users.find((user, index) => users.indexOf(user) !== index) ?? null
}

const namesOf = (found: readonly Examination[]): string =>
  found.map(({ setup }) => setup.service.service).join(' ')

function worksOf(found: readonly Examination[], shared: string | null): string[] {
  return found.flatMap(({ setup, env, server, tables, migrations }) => {
    const { service, database } = setup.service
    const raw = setup.environment.DATABASE_URL ?? ''
    const suffix = /^postgres(?:ql)?(\+\w+):/.exec(raw)?.[1]
    const pending = migrations?.migrations.filter(({ state }) => state === 'pending').length
    return [
      ...(suffix ? [`${service}: DATABASE_URL is read; its driver (${suffix}) means nothing here`] : []),
      ...(env && server
        ? [
            `${service}: "${env.DATABASE_USER}" reaches ${database} on PostgreSQL ${server.version}, with ${tables.length} tables`,
          ]
        : []),
      ...(env &&
      server &&
      env.DATABASE_USER !== shared &&
      ownFindings(server.confinement.findings).length === 0
        ? [`${service}: "${env.DATABASE_USER}" is confined to its own database`]
        : []),
      ...(pending === 0 ? [`${service}: no migration is pending`] : []),
    ]
  })
}

const ownFindings = (findings: readonly string[]): string[] =>
  findings.filter((finding) => !isOfSharedDatabase(finding))

function environmentStep(
  found: readonly Examination[],
  changes: ReadonlyMap<Examination, readonly LineChange[]>,
): Step | null {
  const fixed = [...changes].flatMap(([{ setup }, list]) =>
    list.map(({ text }) => `${relative(repositoryRoot, localFile(setup.service))}: ${text}`),
  )
  const byHand = found.flatMap((one) => {
    const { service } = one.setup.service
    const covered = (changes.get(one) ?? []).map(({ variable }) => variable)
    const foreign = Object.keys(one.setup.environment).flatMap((name) => {
      const known = foreignVariable(name)
      if (known === null || covered.includes(name) || (known.ours && one.setup.environment[known.ours]))
        return []
      return [
        known.ours === null ? `${name} is not needed: ${known.why}` : `${name} is called ${known.ours} here`,
      ]
    })
    const problems = one.problems
      .filter(({ variable }) => !covered.includes(variable) && foreignVariable(variable) === null)
      .map(({ variable, message }) => `${variable} ${message}`)
    return [...problems, ...foreign].map((text) => `${service}, by hand: ${text}`)
  })
  if (fixed.length + byHand.length === 0) return null
  return {
    title: 'bring the environment in line',
    details: [...fixed, ...byHand],
    commands: fixed.length > 0 ? [`bun run doctor ${namesOf(found)} --fix`] : [],
  }
}

function rolesStep(found: readonly Examination[], shared: string | null, adminGiven: boolean): Step[] {
  const concerned = found.filter(
    ({ env, server, refusal, migratorRefusal }) =>
      refusal !== null ||
      migratorRefusal !== null ||
      (env !== null && env.DATABASE_USER === shared) ||
      (server !== null && ownFindings(server.confinement.findings).length > 0),
  )
  if (concerned.length === 0) return []
  const details = concerned.flatMap(({ setup, env, server, refusal, migratorRefusal }) => {
    const { service } = setup.service
    const remedies =
      env && server && env.DATABASE_USER !== shared
        ? explainConfinement(service, env.DATABASE_USER, ownFindings(server.confinement.findings))
        : []
    return [
      ...(refusal === null ? [] : [`${service}: ${refusal}`]),
      ...(migratorRefusal === null
        ? []
        : [
            `${service}: migrations cannot be read as "${setup.environment.MIGRATION_USER ?? ''}" (MIGRATION_USER, ` +
              `MIGRATION_PASSWORD): ${firstLine(migratorRefusal)}`,
          ]),
      ...remedies.map(({ finding, remedy }) => `${service}: "${env?.DATABASE_USER}" ${finding}: ${remedy}`),
    ]
  })
  const users = concerned.filter(({ env }) => env !== null && env.DATABASE_USER === shared)
  const role =
    shared === null || users.length === 0
      ? []
      : [
          `"${shared}" is the login of ${namesOf(users)}: each gets an owner, a migrator and a runtime role of its own`,
          `"${shared}" can no longer enter these databases afterwards: stop what still uses it before`,
        ]
  const admin = adminGiven
    ? []
    : ['set DATABASE_ADMIN_URL first: postgres://<superuser>:<password>@<host>:<port>/postgres']
  const command = `bun run db:provision ${namesOf(concerned)} --adopt`
  return [
    {
      title: 'give each service roles of its own (the first command only shows what the second does)',
      details: [...role, ...details, ...admin],
      commands: [`${command} --dry-run`, command],
    },
  ]
}

const firstLine = (text: string): string => text.split('\n')[0] ?? ''

function migrationSteps(found: readonly Examination[], shared: string | null): Step[] {
  // Before the roles are there nothing tells which are recorded; tables that no journal stands beside say enough.
  const bare = found.filter(({ migrations, tables }) => {
    const recorded = migrations?.migrations.some(({ state }) => state !== 'pending') ?? false
    return tables.length > 0 && !recorded && (migrations?.foreign ?? 0) === 0
  })
  const behind = found.filter(
    ({ migrations, env }) =>
      migrations?.migrations.some(({ state }) => state === 'pending') ||
      (migrations === null && env?.DATABASE_USER === shared),
  )
  const toMigrate = [...new Set([...bare, ...behind])]
  const alembic = bare.filter(({ tables }) => tables.includes('alembic_version'))
  return [
    ...(bare.length === 0
      ? []
      : [
          {
            title: 'record the tables that exist as the result of the first migration',
            details: [
              'it compares them first, and records nothing where they differ: docs/porting.md says what to do then',
              ...alembic.map(
                ({ setup }) =>
                  `${setup.service.service}: alembic_version stays; alembic must change nothing any more`,
              ),
            ],
            commands: [`bun run db:baseline ${namesOf(bare)}`],
          },
        ]),
    ...(toMigrate.length === 0
      ? []
      : [
          {
            title: 'apply the migrations that are left',
            details: [],
            commands: [`bun run db:migrate ${namesOf(toMigrate)}`],
          },
        ]),
  ]
}

function notesOf(found: readonly Examination[]): string[] {
  const open = found.flatMap(({ setup, server }) => {
    const findings = (server?.confinement.findings ?? []).filter(isOfSharedDatabase)
    return findings.length === 0 ? [] : [setup.service.service]
  })
  if (open.length === 0) return []
  return [
    `every role of the server may enter postgres and template1, as PostgreSQL has it. If nobody else needs them: bun run db:provision ${open.join(' ')} --close-shared-databases`,
  ]
}
