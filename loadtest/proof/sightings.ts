import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Collector, ConnectionCollector } from '../load/collector.ts';
import { createFailureCollector } from '../load/failures.ts';
import { createLateSecondCollector } from '../load/lag.ts';
import { createHealth, type Health } from './health.ts';
import type { LoadObservation } from './judgement.ts';
import { createPodConnections } from './pod-connections.ts';
import { createPodResponses, type PodResponses } from './pod-responses.ts';
import type { ConnectionTrace, Scene } from './scene.ts';
import { createServiceTimes } from './service-times.ts';
import { createSuccesses } from './successes.ts';
import { createVantageCounts } from './vantage-point.ts';

/** All that a judgement takes from the requests and connections of a load, besides the record of their counts. */
export interface Sightings extends Collector, ConnectionCollector {
  readonly health: Health;
  readonly responses: PodResponses;
  /** As far as it has come. */
  toEvidence(): Pick<
    LoadObservation,
    | 'failures'
    | 'podOf'
    | 'responses'
    | 'serviceTimes'
    | 'successes'
    | 'connections'
    | 'lateSeconds'
    | 'vantageCounts'
  >;
}

/** Failures kept for judgement, per outcome; all are counted. */
const MAX_FAILURES_PER_OUTCOME = 100_000;

/**
 * @param endpoints in the order in which settlements count them
 * @param toSceneMs what the times of settlements are on the clock of the pods
 */
export function createSightings(
  endpoints: readonly { readonly name: string }[],
  pods: Pick<Scene, 'podOf' | 'podNamed'>,
  toSceneMs: (loadMs: number) => number,
): Sightings {
  const podOf = (settlement: Settlement) => {
    const trace = toTrace(settlement, toSceneMs);
    return trace === null ? null : pods.podOf(trace);
  };
  /**
   * By what the scene calls the pod, whatever of it a response tells.
   * @param atMs when the pod was there: by the end, another one may have its name
   */
  const named = <T extends { readonly pod: string | null }>(told: T, atMs: number): T => {
    const pod = told.pod === null ? null : pods.podNamed(told.pod, toSceneMs(atMs));
    return pod === null || pod === told.pod ? told : { ...told, pod };
  };
  const health = createHealth(endpoints);
  const failures = createFailureCollector(MAX_FAILURES_PER_OUTCOME);
  const responses = createPodResponses((settlement) => podOf(settlement) ?? settlement.pod);
  const serviceTimes = createServiceTimes();
  const successes = createSuccesses();
  const lateSeconds = createLateSecondCollector();
  const vantageCounts = createVantageCounts();
  const connections = createPodConnections((end) => pods.podOf(toEndTrace(end, toSceneMs)));
  const collectors: readonly Collector[] = [
    health,
    failures,
    responses,
    serviceTimes,
    successes,
    lateSeconds,
    vantageCounts,
  ];
  return {
    health,
    responses,
    add(settlement) {
      const told = named(settlement, settlement.sentMs ?? settlement.endMs);
      for (const collector of collectors) collector.add(told);
    },
    addConnection: (end) => connections.addConnection(named(end, end.endMs - (end.idleMs ?? 0))),
    toEvidence: () => ({
      failures: failures.list(),
      podOf,
      responses,
      serviceTimes,
      successes,
      connections,
      lateSeconds: lateSeconds.list(),
      vantageCounts: vantageCounts.list(),
    }),
  };
}

function toTrace(
  { connection, sentMs, endMs }: Settlement,
  toSceneMs: (loadMs: number) => number,
): ConnectionTrace | null {
  if (connection === null) return null;
  const { localPort, remoteAddress, setupMs, ageMs } = connection;
  // Whoever has the address or the port later on was not reached by it.
  const openedMs = sentMs === null ? endMs - setupMs : sentMs - ageMs;
  return { localPort, remoteAddress, openedMs: toSceneMs(openedMs), atMs: toSceneMs(endMs) };
}

function toEndTrace(
  { localPort, remoteAddress, openedMs, endMs }: ConnectionEnd,
  toSceneMs: (loadMs: number) => number,
): ConnectionTrace {
  return { localPort, remoteAddress, openedMs: toSceneMs(openedMs), atMs: toSceneMs(endMs) };
}
