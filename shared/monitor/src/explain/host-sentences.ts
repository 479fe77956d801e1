import type { Measurements } from '../advice/advice.ts'
import { formatDuration } from './duration.ts'

type HostReport = Measurements['no-primary']['hosts'][number]
type HostCode =
  | 'no-primary'
  | 'split-brain'
  | 'host-unreachable'
  | 'standby-lag'
  | 'failed-over'
  | 'reads-on-primary'

/** How the advice about the hosts of a database reads. */
export const hostSentences: { readonly [C in HostCode]: (measured: Measurements[C]) => string } = {
  'no-primary': ({ downSince, downMs, hosts }) =>
    `No host has been the primary since ${downSince} (${formatDuration(downMs)}), so nothing can be written: ${joined(hosts.map(describe))}. Start the primary, or promote a standby; it is found by itself.`,

  'split-brain'({ splitMs, old, primary }) {
    const one = old.length === 1
    const names = joined(old.map(({ host, timeline }) => `${host} (time line ${timeline ?? '?'})`))
    const after = primary === null ? 'another' : `${primary.host} (time line ${primary.timeline ?? '?'})`
    return `${names} ${one ? 'has' : 'have'} been taking writes for ${formatDuration(splitMs)}, though ${after} was promoted after ${one ? 'it' : 'them'}: this service uses ${one ? 'it' : 'them'} no more, but what others write there will be lost. Stop ${one ? 'it' : 'them'} now, save what was written there since, and bring ${one ? 'it' : 'them'} back as a standby (pg_rewind, or a new copy).`
  },

  'host-unreachable'({ unreachable, standbys }) {
    const names = joined(unreachable.map(({ host, code }) => `${host} (code ${code ?? 'none'})`))
    const left =
      standbys === 0
        ? 'there is no standby left to fail over to'
        : `${count(standbys, 'standby', 'standbys')} ${standbys === 1 ? 'is' : 'are'} left`
    return `${names} cannot be reached; the primary can, and ${left}: start ${unreachable.length === 1 ? 'it' : 'them'} again, or take ${unreachable.length === 1 ? 'it' : 'them'} off the list of hosts.`
  },

  'standby-lag': ({ behind, standbys, maxLagMs }) =>
    `${joined(behind.map(({ host, lagMs }) => `${host} is ${formatDuration(lagMs)} behind`))}, more than the ${formatDuration(maxLagMs)} of ${maxLagVariable} (${behind.length} of ${count(standbys, 'standby', 'standbys')}), and not read from: look at its log, its disk, long queries there that replay waits for, and the network.`,

  'failed-over'({ agoMs, failovers, periodMs, change }) {
    const often = failovers > 1 ? ` (${failovers} times in ${formatDuration(periodMs)}: find out why)` : ''
    return `The primary changed ${formatDuration(agoMs)} ago${often}: ${change ?? 'another host is the primary now'}. New work goes there by itself; see that the one before comes back as a standby.`
  },

  'reads-on-primary'({ periodMs, reads, unavailable, behind, failed }) {
    const why = [
      ...(unavailable > 0 ? [`for ${unavailable} no standby was near enough`] : []),
      ...(behind > 0 ? [`for ${behind} it did not show yet what had been written`] : []),
      ...(failed > 0 ? [`${failed} had failed on one`] : []),
    ]
    const [most] = [
      { reads: failed, remedy: "look at the standbys' logs" },
      { reads: unavailable, remedy: `look at the standbys, or raise ${maxLagVariable}` },
      { reads: behind, remedy: 'let clients that need not see what they wrote not send it along' },
    ].sort((a, b) => b.reads - a.reads)
    return `${unavailable + behind + failed} of the last ${reads} reads that standbys could have taken (${formatDuration(periodMs)}) ran on the primary: ${joined(why)}; ${most?.remedy}.`
  },
}

/** The option `maxLagMs` of `replicas`, by the name that an operator sets. */
const maxLagVariable = 'DATABASE_MAX_LAG'

function describe({ host, role, lagMs, code }: HostReport): string {
  const words = {
    primary: 'the primary',
    'read-only': 'read only',
    standby: 'a standby',
    'old-primary': 'an old primary, not used',
    unreachable: 'unreachable',
    unknown: 'not asked yet',
  }[role]
  const detail = [lagMs === null ? null : `${formatDuration(lagMs)} behind`, code].filter(
    (part) => part !== null,
  )
  return `${host} is ${words}${detail.length > 0 ? ` (${detail.join(', ')})` : ''}`
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`
}
