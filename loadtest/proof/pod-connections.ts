import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { ConnectionCollector } from '../load/collector.ts';

/** A connection that ended, with its pod; null: not known. */
export interface PodConnection extends ConnectionEnd {
  readonly pod: string | null;
}

/** What the load saw of the connections of the pods. Times are ms since the load began. */
export interface PodConnections {
  /** Keep-alive connections that the server closed in silence, those that were left idle included. */
  readonly closedInSilence: readonly PodConnection[];
  /**
   * How long the server keeps idle connections, as it showed before that time: the median idle time of those that it
   * closed in silence; null: there were fewer than two.
   */
  idleTimeoutMs(untilMs: number): number | null;
  /** When the last connection that was led to the pod was opened, by where from; empty: none was. */
  lastOpenings(pod: string): ReadonlyMap<string | null, number>;
  /**
   * Did this pod ever announce on a response that it closes a keep-alive connection, as a server does that reacts to
   * SIGTERM? Where no connection tells its pod: did any.
   */
  hasAnnounced(pod: string): boolean;
}

/** Kept in full; all are counted in the record. */
const MAX_CLOSED_IN_SILENCE = 100_000;

/** @param podOf the pod that the connection led to; null: not known but by what answered on it */
export function createPodConnections(
  podOf: (end: ConnectionEnd) => string | null,
): PodConnections & ConnectionCollector {
  const closedInSilence: PodConnection[] = [];
  const lastOpened = new Map<string, Map<string | null, number>>();
  const announced = new Set<string | null>();
  return {
    addConnection(end) {
      const pod = podOf(end) ?? end.pod;
      if (pod !== null && end.ending !== 'never_opened') {
        const { openedMs, from } = end;
        const openings = lastOpened.get(pod) ?? new Map<string | null, number>();
        lastOpened.set(pod, openings);
        openings.set(from, Math.max(openedMs, openings.get(from) ?? openedMs));
      }
      if (end.ending === 'closed_with_notice' && end.role === 'kept') announced.add(pod);
      if (end.ending === 'closed_in_silence' && closedInSilence.length < MAX_CLOSED_IN_SILENCE) {
        closedInSilence.push({ ...end, pod });
      }
    },
    closedInSilence,
    idleTimeoutMs: (untilMs) => {
      const idleMs = closedInSilence
        .filter(({ endMs }) => endMs < untilMs)
        .map((end) => end.idleMs ?? 0)
        .sort((a, b) => a - b);
      return idleMs.length < 2 ? null : (idleMs[Math.floor(idleMs.length / 2)] ?? null);
    },
    lastOpenings: (pod) => lastOpened.get(pod) ?? new Map(),
    hasAnnounced: (pod) => announced.has(pod) || announced.has(null),
  };
}
