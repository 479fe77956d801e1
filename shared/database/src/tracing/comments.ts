/** Tags of a statement's comment, by their names. */
export type CommentTags = Readonly<Record<string, string>>

/** What is sent behind the text of each statement, in the form of sqlcommenter. Traces, events and errors show texts without. */
export interface CommentOptions {
  /** Of every statement, the same for as long as the process lives: application, version. */
  tags?: CommentTags
  /**
   * Asked for each statement, in the async context of its caller, what to say of this one: traceparent, route. Null or none: nothing.
   * A statement with such tags is sent unprepared, as no plan would serve its text again: give them for sampled traces only.
   */
  perStatement?: () => CommentTags | null
}

/** How a statement runs that has a comment. */
export interface Commented {
  /** Put behind the text; empty for none. */
  readonly comment: string
  /** Given where no other statement has the comment. */
  readonly mode?: 'unprepared'
}

/** Gives the comment of a statement with this text; asked in the context of its caller. */
export type CommentOf = (text: string) => Commented

const none: Commented = { comment: '' }

/** Makes what gives each statement its comment; null where there is none to give. */
export function createComments({ tags = {}, perStatement }: CommentOptions = {}): CommentOf | null {
  const constant: Commented = { comment: formatComment(tags) }
  if (constant.comment === '' && !perStatement) return null
  const own = (): CommentTags | null => {
    try {
      return perStatement?.() ?? null
    } catch {
      // It is the application's; its statements go on without.
      return null
    }
  }
  return (text) => {
    // The specification: one that has a comment must not be changed.
    if (text.includes('/*') || text.includes('--')) return none
    const more = own()
    if (more === null) return constant
    const comment = formatComment({ ...tags, ...more })
    return comment === constant.comment ? constant : { comment, mode: 'unprepared' }
  }
}

/**
 * Writes tags as sqlcommenter has them, by name and URL-encoded, so that nothing in them can end the comment; empty for none.
 *
 * @see https://google.github.io/sqlcommenter/spec/
 */
export function formatComment(tags: CommentTags): string {
  const pairs = Object.entries(tags)
    .filter(([name, value]) => name !== '' && value !== undefined && value !== '')
    .map(([name, value]) => `${encoded(name)}='${encoded(String(value))}'`)
    .sort()
  return pairs.length === 0 ? '' : `\n/*${pairs.join(',')}*/`
}

/** URL-encoded, with the characters that encodeURIComponent leaves and a comment or its quotes end by. */
function encoded(text: string): string {
  const escaped = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, escaped)
}
