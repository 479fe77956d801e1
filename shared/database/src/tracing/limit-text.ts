/** Keeps whole what people write by hand; an insert of thousands of rows is longer. */
const longestText = 10_000

/** The text itself up to 10 000 characters, else its beginning and how many are left out: `select … (1234 more characters)`. */
export function limitText(text: string, longest = longestText): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}${leftOut(text.length - longest)}`
}

/** What stands behind the beginning of a text for its rest; nothing where no character is left out. */
export function leftOut(characters: number): string {
  return characters > 0 ? `… (${characters} more characters)` : ''
}
