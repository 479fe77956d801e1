/** A span of time for people: `0.4 ms`, `120 ms`, `3.2 s`, `5 min`, `2 h`; an en dash for null. */
export declare function formatMs(ms: number | null | undefined): string
/** The time of day of an epoch time or ISO text: `14:03:07`. */
export declare function formatTime(at: number | string): string
/** `longestWaitMs` → `longest wait`. */
export declare function words(key: string): string
/** A value of a report as a text, by the unit that its key ends with. */
export declare function formatValue(key: string, value: unknown): string
