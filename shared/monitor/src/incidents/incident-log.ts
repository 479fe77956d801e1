import type { Database, DrizzleModel } from '@shared/database'
import { formatDuration } from '../explain/duration.ts'
import type { SampleRecord } from '../samples/sample.ts'
import { describeBlockage } from './describe.ts'
import {
  addReport,
  addSample,
  beginIncident,
  type Incident,
  isBlocked,
  isExplained,
  isOutdated,
  isTroubled,
  isUnderstood,
  type TimedReport,
} from './incident.ts'

/** Follows incidents, and records when one begins, what it is found to come from, and that it is over. */
export interface IncidentLog {
  /** The incident now, or the last one; null before the first. */
  readonly last: Incident | null
  /** The one that says most of the last minutes at a time (epoch ms): the last one, or the one before it while only that has a known cause. */
  judged(now: number): Incident | null
  /** A sample was taken. */
  sampled(record: SampleRecord): void
  /** The server has reported. */
  reported(latest: TimedReport): void
}

// Failures are counted when callers get them, which is when the trouble is over.
const calmMs = 3_000
// As long as the minute that rules look at.
const aftermathMs = 60_000

export function createIncidentLog(record: Database<DrizzleModel>['record']): IncidentLog {
  let last: Incident | null = null
  let understood: Incident | null = null
  let server: TimedReport | null = null
  let sampledAt = Number.NEGATIVE_INFINITY
  const named = new Set<number>()

  function begin(first: SampleRecord): Incident {
    if (last && isUnderstood(last)) understood = last
    named.clear()
    const incident = beginIncident(first)
    addSample(incident, first)
    // Each failed probe is an event already.
    if (!incident.isOutage) record('degraded', undefined, describeBeginning(first))
    return incident
  }

  function end(incident: Incident): void {
    incident.endedAt = incident.troubleAt
    record('recovered', undefined, describeEnd(incident))
  }

  function addReported(incident: Incident, { report }: TimedReport): void {
    addReport(incident, report)
    if (!isBlocked(report)) return
    for (const blockage of report.blockages) {
      if (named.has(blockage.blocker.pid)) continue
      named.add(blockage.blocker.pid)
      record('blocked', undefined, describeBlockage(blockage))
    }
  }

  return {
    get last() {
      return last
    },
    judged(now) {
      if (!understood || (last && isUnderstood(last))) return last
      // What is left of it, such as callers that come back all at once, is no other cause.
      const rememberedMs = last?.endedAt === null ? aftermathMs : Number.POSITIVE_INFINITY
      return now - (understood.endedAt ?? now) < rememberedMs ? understood : last
    },
    sampled(sampleRecord) {
      const { before, now } = sampleRecord
      sampledAt = now.at
      const isBad = isTroubled(sampleRecord, server)
      if (last?.endedAt === null) {
        const isCalm = last.troubleAt < before.at
        // What held callers up is known and was over: this has another reason, which is looked for anew.
        if (isBad && isCalm && isExplained(last) && !isDown(sampleRecord)) {
          end(last)
          last = begin(sampleRecord)
          return
        }
        addSample(last, sampleRecord)
        if (isBad) last.troubleAt = now.at
        else if (now.at - last.troubleAt >= calmMs) end(last)
      } else if (isBad) {
        last = begin(sampleRecord)
        // It may be that this is all that shows it.
        if (server && isBlocked(server.report) && !isOutdated(now, server)) addReported(last, server)
      }
    },
    reported(latest) {
      server = latest
      // What is found while it is calm may be the beginning of another one.
      if (last?.endedAt === null && last.troubleAt >= sampledAt) addReported(last, latest)
    },
  }
}

// A database that comes and goes is one incident.
const isDown = ({ sample }: SampleRecord): boolean => sample.health?.status === 'disconnected'

function describeBeginning({ sample, now }: SampleRecord): string {
  const { longestWaitMs, longestBehindMs } = now.pool
  const max = Number.isFinite(sample.max) ? ` of ${sample.max}` : ''
  return [
    `${sample.used}${max} connections in use`,
    ...(sample.waiting > 0 ? [`${sample.waiting} waiting for up to ${formatDuration(longestWaitMs)}`] : []),
    ...(sample.behind > 0
      ? [`${sample.behind} behind statements of up to ${formatDuration(longestBehindMs)}`]
      : []),
    ...(sample.failures > 0 ? [`${sample.failures} failed`] : []),
  ].join(', ')
}

function describeEnd(incident: Incident): string {
  const { beganAt, troubleAt, peak, failures, blockage, isOutage, capacity } = incident
  const found = [
    ...(isOutage ? ['the database did not answer'] : []),
    ...(peak.waiting > 0 ? [`${peak.waiting} waited for up to ${formatDuration(peak.waitMs)}`] : []),
    `at most ${peak.used}${Number.isFinite(capacity) ? ` of ${capacity}` : ''} connections in use`,
    `${failures} failed`,
    ...(blockage ? [describeBlockage(blockage)] : []),
  ]
  return `after ${formatDuration(troubleAt - beganAt)}: ${found.join('; ')}`
}
