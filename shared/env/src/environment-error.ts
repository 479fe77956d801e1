/** One thing that is wrong with one variable. The message never holds the value of a secret. */
export interface EnvironmentIssue {
  readonly variable: string
  readonly message: string
}

/** Exit code of a process whose configuration is wrong: EX_CONFIG of sysexits(3). */
export const configurationExitCode = 78

/** Says everything that is wrong with a service's environment at once; print `report` and exit with `exitCode`. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly code = 'ENVIRONMENT'
  readonly exitCode = configurationExitCode
  /** At most one a variable, in the order of `.env.example`. */
  readonly issues: readonly EnvironmentIssue[]
  /** A heading, then one line a variable. */
  readonly report: string

  constructor(service: string, issues: readonly EnvironmentIssue[]) {
    const report = renderReport(service, issues)
    super(report)
    this.issues = Object.freeze(issues.map((issue) => Object.freeze({ ...issue })))
    this.report = report
  }
}

function renderReport(service: string, issues: readonly EnvironmentIssue[]): string {
  const width = Math.max(...issues.map((issue) => issue.variable.length))
  const lines = issues.map((issue) => `  ${issue.variable.padEnd(width)}  ${issue.message}`)
  const variables = issues.length === 1 ? '1 environment variable' : `${issues.length} environment variables`
  return [`${service}: cannot start, fix ${variables}:`, ...lines].join('\n')
}

/**
 * Reads the environment, or ends the process with the report on standard error and exit code 78.
 *
 * For a program's entry file only: `const env = readOrExit(createEnv)`. Any other error is thrown on.
 */
export function readOrExit<T>(createEnv: () => T): T {
  try {
    return createEnv()
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    console.error(error.report)
    process.exit(error.exitCode)
  }
}
