/** The time of day of an epoch time or ISO text: `14:03:07`. */
export function formatTime(at: number | string): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

/** A text with the times in it as times of day: services write them in full, and in UTC. */
export function localTimes(text: string): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, formatTime)
}
