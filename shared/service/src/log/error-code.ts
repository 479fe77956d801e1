/** The code that the runtime, the driver or this project gave an error, such as `ECONNREFUSED`; undefined where there is none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
