/** Whose the spans and metrics of HTTP are, as tools show it. */
export const instrumentationScope = '@shared/service'
