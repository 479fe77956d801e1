import type { Pool, ServiceStatus } from '@shared/console'
import type { Colour, Painter } from '../terminal/paint.ts'

const marks: Record<ServiceStatus, { sign: string; colour: Colour }> = {
  healthy: { sign: '●', colour: 'green' },
  degraded: { sign: '▲', colour: 'yellow' },
  unhealthy: { sign: '✖', colour: 'red' },
  unreachable: { sign: '○', colour: 'red' },
  unknown: { sign: '?', colour: 'grey' },
}

/** `▲ degraded`, in its colour. */
export function statusText(status: ServiceStatus, paint: Painter): string {
  const { sign, colour } = marks[status]
  return paint(colour, `${sign} ${status}`)
}

/** The colour that goes with a status. */
export const statusColour = (status: ServiceStatus): Colour => marks[status].colour

/** The most connections of a pool; without a limit, as many as there are. */
export function capacityOf({ poolSize, maxOverflow, total }: Pool): number {
  return maxOverflow < 0 ? Math.max(poolSize, total) : poolSize + maxOverflow
}

/**
 * A pool as a bar: used, used beyond poolSize, idle, and room for more.
 *
 * Whatever there is at least one of takes at least one cell, as long as there are cells.
 */
export function renderBar(pool: Pool, width: number, paint: Painter): string {
  const beyond = Math.min(pool.overflow, pool.checkedOut)
  const parts = [
    { count: pool.checkedOut - beyond, sign: '█', colour: 'blue' },
    { count: beyond, sign: '▓', colour: 'magenta' },
    { count: pool.idle + pool.connecting, sign: '░', colour: 'cyan' },
  ] as const
  const scale = width / Math.max(capacityOf(pool), 1)
  let left = width
  const drawn = parts.map(({ count, sign, colour }) => {
    const cells = Math.min(left, count > 0 ? Math.max(1, Math.round(count * scale)) : 0)
    left -= cells
    return cells === 0 ? '' : paint(colour, sign.repeat(cells))
  })
  return drawn.join('') + (left === 0 ? '' : paint('grey', '·'.repeat(left)))
}
