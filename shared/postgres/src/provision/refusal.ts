import { ProvisionError, type ProvisionErrorCode } from '../errors.ts'
import type { Refusal } from './plan.ts'
import type { ServiceRoles } from './service-roles.ts'

const codes: Record<Refusal['reason'], ProvisionErrorCode> = {
  'not-ours': 'NOT_OURS',
  privilege: 'INSUFFICIENT_PRIVILEGE',
  password: 'PASSWORD_UNKNOWN',
}

/** The error for a plan that was refused: what is in the way, and the commands that would go on. */
export function refusalError(
  refusals: readonly Refusal[],
  services: readonly ServiceRoles[],
): ProvisionError {
  const reasons = [...new Set(refusals.map(({ reason }) => reason))]
  return new ProvisionError(
    codes[reasons[0] ?? 'not-ours'],
    'make a plan',
    refusalLines(refusals, services).join('\n'),
  )
}

/** The same as lines for people. */
export function refusalLines(refusals: readonly Refusal[], services: readonly ServiceRoles[]): string[] {
  const names = services.map(({ service }) => service).join(' ')
  const command = `bun run db:provision ${names}`
  const of = (reason: Refusal['reason']): string[] =>
    refusals.filter((refusal) => refusal.reason === reason).map(({ message }) => `  ${message}`)
  const block = (reason: Refusal['reason'], head: string, advice: readonly string[]): string[] => {
    const lines = of(reason)
    return lines.length === 0 ? [] : [head, ...lines, ...advice]
  }
  return [
    'nothing was changed.',
    ...block('not-ours', 'These exist, and this provisioner has not made them:', [
      'If they are yours to give to the services, their owner, privileges and passwords change:',
      `  ${command} --adopt --dry-run   shows every statement`,
      `  ${command} --adopt             does it`,
      'Else use another server.',
    ]),
    ...block('privilege', 'These have to be changed, and the admin may not do that:', [
      'Run it as a superuser, or as the role that made them.',
    ]),
    ...block('password', 'These exist, and no password was given for them, which others may be using:', [
      'Give the passwords they have (or shall have) as DATABASE_PASSWORD and MIGRATION_PASSWORD,',
      "for one service in its folder's .env.local.",
    ]),
  ]
}
