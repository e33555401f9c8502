import type { ConnectionEnd, ConnectionEnding } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Collector, ConnectionCollector } from '../load/collector.ts';
import { type LoadSpec, toLongestTimeoutMs } from '../load/load-spec.ts';
import { createPhases } from '../load/phases.ts';
import { createRecorder, ONE_SLOT_MS } from '../load/recorder.ts';
import type { HazardId } from '../proof/hazard.ts';
import { type Judged, judgeObservation } from '../proof/judgement.ts';
import { PROOF_PHASES } from '../proof/proof-load.ts';
import { createSightings } from '../proof/sightings.ts';
import { toPodTimelines } from '../proof/timeline.ts';
import type { ObservedTarget } from './observed-target.ts';

/** What a stretch is judged by besides its requests and pods. */
interface StretchEnd {
  /** Why the disruption did not complete; null: it did. */
  readonly incomplete: string | null;
  readonly isInterrupted: boolean;
  readonly allowed: readonly HazardId[];
}

/** A part of a load that is judged by itself: the requests that were due in it. */
export interface LoadStretch extends Collector, ConnectionCollector {
  /** In ms since the load began. */
  readonly fromMs: number;
  /** Of the disruption in it. */
  readonly beganMs: number;
  /** Infinity: it goes on. */
  readonly toMs: number;
  /** Requests due later are not of it. */
  end(toMs: number): void;
  hasAnswered(pod: string): boolean;
  /** Do responses or connections tell pods? */
  readonly isNamed: boolean;
  /** Times are ms since its start. */
  judge(end: StretchEnd): Judged;
}

/**
 * @param beganMs when the disruption began, in ms since the load began
 * @param startMs of the load, on the clock of the target
 */
export function createStretch(
  { fromMs, beganMs }: Pick<LoadStretch, 'fromMs' | 'beganMs'>,
  spec: LoadSpec,
  target: ObservedTarget,
  startMs: number,
): LoadStretch {
  const { endpoints } = spec.plan;
  const timeoutMs = toLongestTimeoutMs(spec);
  const zeroMs = startMs + fromMs;
  const [before, during] = PROOF_PHASES;
  const phases = createPhases([
    { name: before, fromMs: 0 },
    { name: during, fromMs: beganMs - fromMs },
  ]);
  const recorder = createRecorder({ slotMs: ONE_SLOT_MS, timeoutMs }, phases);
  const sightings = createSightings(endpoints, target, (ownMs) => zeroMs + ownMs);
  let toMs = Number.POSITIVE_INFINITY;
  let settled = 0;
  let sent = 0;
  const connections = { tried: 0, established: 0, endings: {} as Partial<Record<ConnectionEnding, number>> };

  return {
    fromMs,
    beganMs,
    get toMs() {
      return toMs;
    },
    end(atMs) {
      toMs = atMs;
    },
    add(settlement) {
      if (settlement.intendedMs < fromMs || settlement.intendedMs >= toMs) return;
      const own = shiftSettlement(settlement, fromMs);
      settled += 1;
      if (own.sentMs !== null) sent += 1;
      recorder.add(own);
      sightings.add(own);
    },
    addConnection(end) {
      if (end.endMs < fromMs) return;
      connections.tried += 1;
      if (end.establishedMs !== null) connections.established += 1;
      connections.endings[end.ending] = (connections.endings[end.ending] ?? 0) + 1;
      sightings.addConnection(shiftConnection(end, fromMs));
    },
    hasAnswered: (pod) => sightings.responses.answered.has(pod),
    get isNamed() {
      return sightings.responses.answered.size > 0;
    },
    judge({ incomplete, isInterrupted, allowed }) {
      const durationMs = toMs - fromMs;
      const events = target.events
        .filter(({ atMs }) => atMs <= zeroMs + durationMs + target.slackMs)
        // As of the connections of the load, those that were closed in it.
        .filter(({ atMs, kind }) => kind !== 'direct-closed' || atMs >= zeroMs)
        .map((event) => ({ ...event, atMs: event.atMs - zeroMs }));
      const gaps = target.gaps.filter(({ atMs }) => atMs >= zeroMs).map(({ text }) => text);
      return judgeObservation({
        ...sightings.toEvidence(),
        durationMs,
        endpoints: endpoints.map(({ name }) => name),
        timelines: [...toPodTimelines(events).values()].filter(
          ({ goneMs }) => goneMs === null || goneMs >= 0,
        ),
        leftBehind: [],
        allowed,
        load: {
          record: recorder.toRecord({ planned: settled, sent, settled, connections }),
          ledgerFault: null,
        },
        deadlineMs: timeoutMs,
        beganMs: beganMs - fromMs,
        incomplete,
        slackMs: target.slackMs,
        surgeAdvice: target.surgeAdvice,
        watchGaps: [...new Set(gaps)],
        isInterrupted,
        requirements: [],
      });
    },
  };
}

/** The same with its times counted from `fromMs` on. */
function shiftSettlement(settlement: Settlement, fromMs: number): Settlement {
  const { intendedMs, sentMs, endMs } = settlement;
  return {
    ...settlement,
    intendedMs: intendedMs - fromMs,
    sentMs: sentMs === null ? null : sentMs - fromMs,
    endMs: endMs - fromMs,
  };
}

function shiftConnection(end: ConnectionEnd, fromMs: number): ConnectionEnd {
  const { openedMs, establishedMs, endMs } = end;
  return {
    ...end,
    openedMs: openedMs - fromMs,
    establishedMs: establishedMs === null ? null : establishedMs - fromMs,
    endMs: endMs - fromMs,
  };
}
