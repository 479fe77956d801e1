const ownFolder = import.meta.dir

/** Remembers where it was made; reading the place is left until somebody asks. */
export type Place = Error

/** Takes down where the caller is. */
export function hereIs(): Place {
  return new Error()
}

/** The line of the program at a place: the first that is not this layer's, Drizzle's or the runtime's. */
export function describePlace(place: Place): string {
  const lines = (place.stack ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ''))
  const own = lines.find(
    (line) => !line.includes(ownFolder) && !/node_modules|\(native|node:|\[native code\]/.test(line),
  )
  return own ?? lines[0] ?? 'an unknown place'
}
