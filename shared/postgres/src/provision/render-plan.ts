import type { ProvisionPlan, Stage } from './plan.ts'

/**
 * The plan as lines for people: each stage, its steps, and their statements as they are sent.
 *
 * A password's verifier is left out, as a log may keep the lines.
 */
export function renderPlan(plan: ProvisionPlan): string[] {
  if (plan.stages.length === 0) return ['plan: nothing to do']
  return ['plan:', ...plan.stages.flatMap(renderStage)]
}

function renderStage({ name, together, steps }: Stage): string[] {
  return [
    `  ${name}, ${together ? 'all or nothing' : 'one by one'}`,
    ...steps.flatMap((step) => [
      `    ${step.name}`,
      ...step.statements.map((statement) => `      ${withoutVerifier(statement)};`),
    ]),
  ]
}

const withoutVerifier = (statement: string): string =>
  statement.replaceAll(/'SCRAM-SHA-256\$[^']*'/g, "'***'")
