/**
 * How the provisioner knows again what it made: a line of the comment on a database or role.
 *
 * What carries no such line belongs to somebody else, whatever its name is.
 */
const prefix = 'provisioned by @shared/postgres for service '

const linesOf = (comment: string | null): string[] => (comment === null ? [] : comment.split('\n'))
const markOf = (service: string): string => `${prefix}${JSON.stringify(service)}`

/** Whether the comment says that the provisioner made it for this service. */
export function isMarked(comment: string | null, service: string): boolean {
  return linesOf(comment).includes(markOf(service))
}

/** The comment with the mark of this service; what somebody else wrote there stays. */
export function withMark(comment: string | null, service: string): string {
  return [...linesOf(comment).filter((line) => !line.startsWith(prefix)), markOf(service)].join('\n')
}
