import { formatSeconds } from '../cli/format.ts';
import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import { type Exposure, type Hazard, MIN_IDLE_TIMEOUT_MS } from './hazard.ts';
import { type ManifestChange, NO_CHANGE, toWholeSeconds } from './manifest-change.ts';
import type { PodMargins } from './margin.ts';
import type { PodConnection } from './pod-connections.ts';
import { countEndpoints, isKilled, isWithin, type PodTimeline } from './timeline.ts';

/** Everything that hazards are found in. Times are ms since the load began. */
export interface HazardEvidence {
  readonly timelines: readonly PodTimeline[];
  /** One for each timeline. */
  readonly margins: readonly PodMargins[];
  readonly closedInSilence: readonly PodConnection[];
  /** When the disruption began; Infinity: it was skipped. */
  readonly beganMs: number;
  readonly endMs: number;
  /** Deadline of each request. */
  readonly deadlineMs: number;
  readonly endpoints: readonly EndpointTimes[];
  /** Slowest of the first ok responses of a pod on an endpoint; null: there was none. */
  firstServiceMs(pod: string, endpoint: number): number | null;
  /** How far the timestamp of an event may lag behind the event. */
  readonly slackMs: number;
  /** What to do for more pods in a rollout. */
  readonly surgeAdvice: string;
}

/** Of one endpoint; NaN: there was no ok response. */
export interface EndpointTimes {
  readonly name: string;
  /** Median before the disruption; of all, where there was none before. */
  readonly usualMs: number;
  /** 99th percentiles of the responses. */
  readonly beforeP99Ms: number;
  readonly duringP99Ms: number;
}

/** What must be left between the last connection led to a pod and its end of accepting. */
const MIN_ACCEPT_MARGIN_MS = 2_000;
/** A pod that goes on serving for so long after SIGTERM has told every connection in use to move on. */
const LAME_DUCK_MS = 3_000;
const MIN_GRACE_LEFT = 0.1;
/** A pod that ends closes all its connections within this time. */
const TOGETHER_MS = 100;

/** All hazards, in the order in which they first showed. Pure. */
export function findHazards(evidence: HazardEvidence): Hazard[] {
  return [
    ...findSilentCloses(evidence),
    ...findIdleTimeouts(evidence),
    ...evidence.timelines.flatMap((timeline, index) => {
      const margins = evidence.margins[index];
      return margins === undefined
        ? []
        : [
            ...findLateEndpoint(timeline, margins),
            ...findTightGrace(timeline, margins),
            ...findColdStart(timeline, evidence),
          ];
    }),
    ...findThinCapacity(evidence),
  ].sort((a, b) => a.atMs - b.atMs);
}

/** What of a connection tells who may have closed it. */
type Closed = Pick<PodConnection, 'pod' | 'endMs'>;

/**
 * The pods that were terminating when the connection was closed, and may have closed it: the one that closed that of the
 * direct probes with it, where there is one.
 */
function findClosers({ pod, endMs }: Closed, { timelines, slackMs }: HazardEvidence): PodTimeline[] {
  const able = timelines.filter(
    (timeline) =>
      (pod === null || timeline.pod === pod) &&
      timeline.terminatingMs !== null &&
      endMs >= timeline.terminatingMs - slackMs &&
      (timeline.goneMs === null || endMs <= timeline.goneMs + slackMs),
  );
  const seen = able.filter(({ direct }) =>
    direct?.closed.some(({ atMs }) => Math.abs(atMs - endMs) <= TOGETHER_MS),
  );
  return pod === null && seen.length === 1 ? seen : able;
}

function findSilentCloses(evidence: HazardEvidence): Hazard[] {
  const byCloser = new Map<string, { closers: PodTimeline[]; closed: PodConnection[] }>();
  for (const connection of evidence.closedInSilence) {
    const closers = findClosers(connection, evidence);
    if (connection.role !== 'kept' || closers.length === 0 || isExcused(connection, closers)) continue;
    const names = closers.map(({ pod }) => pod).join(', ');
    const group = byCloser.get(names) ?? { closers, closed: [] };
    byCloser.set(names, group);
    group.closed.push(connection);
  }
  return [...byCloser].map(([names, { closers, closed }]) => {
    const [first] = closers;
    const endsMs = closed.map(({ endMs }) => endMs);
    const atMs = Math.min(...endsMs);
    const sigtermMs = closers.length === 1 ? (first?.sigtermMs ?? null) : null;
    const after = sigtermMs === null ? '' : `, ${formatSeconds(atMs - sigtermMs)} after SIGTERM`;
    return {
      hazard: 'silent-close-while-draining',
      pod: closers.length === 1 ? names : null,
      atMs,
      why: `${closers.length === 1 ? names : `one of ${names}`} closed ${closed.length} idle keep-alive connection${closed.length === 1 ? '' : 's'} without notice${after}`,
      fix: `After SIGTERM, go on serving for ${formatSeconds(LAME_DUCK_MS)} or more and answer every request with \`Connection: close\`, so that clients leave before the server does.`,
      change: null,
      exposure: toExposure(closed),
    };
  });
}

/**
 * A pod that served on after SIGTERM could announce nothing on a connection that carried no request in all that time:
 * HTTP/1.1 has no other notice.
 */
function isExcused({ endMs, idleMs }: PodConnection, closers: readonly PodTimeline[]): boolean {
  return closers.some(
    ({ sigtermMs }) =>
      sigtermMs !== null &&
      idleMs !== null &&
      endMs - sigtermMs >= LAME_DUCK_MS &&
      endMs - idleMs <= sigtermMs,
  );
}

function findIdleTimeouts(evidence: HazardEvidence): Hazard[] {
  const isShort = (connection: Closed & { readonly idleMs: number | null }) =>
    connection.idleMs !== null &&
    connection.idleMs < MIN_IDLE_TIMEOUT_MS &&
    findClosers(connection, evidence).length === 0 &&
    !isOfExit(connection, evidence);
  const ofLoad = evidence.closedInSilence.filter(isShort);
  // A proxy in front keeps its own connections to the clients: those of the direct probes are the pods'.
  const ofProbes = evidence.timelines.flatMap(({ pod, direct }) =>
    (direct?.closed ?? []).map(({ atMs, idleMs }) => ({ pod, endMs: atMs, idleMs })).filter(isShort),
  );
  const closed = [...ofLoad, ...ofProbes];
  const idleMs = closed.flatMap((connection) => connection.idleMs ?? []).sort((a, b) => a - b);
  const timeoutMs = idleMs[Math.floor(idleMs.length / 2)];
  if (timeoutMs === undefined) return [];
  const pods = [...new Set(closed.flatMap(({ pod }) => pod ?? []))];
  return [
    {
      hazard: 'short-idle-timeout',
      pod: pods.length === 1 ? (pods[0] ?? null) : null,
      atMs: Math.min(...closed.map(({ endMs }) => endMs)),
      why: `${closed.length} keep-alive connection${closed.length === 1 ? ' was' : 's were'} closed without notice after ${formatSeconds(timeoutMs)} of idleness${ofProbes.length === 0 ? '' : `, ${ofProbes.length} of them the direct probes’`}`,
      fix: `Keep idle connections open for longer than the clients and balancers in front do: at least ${formatSeconds(MIN_IDLE_TIMEOUT_MS + 5_000)} behind a balancer with an idle timeout of ${formatSeconds(MIN_IDLE_TIMEOUT_MS)}; today it is ${formatSeconds(timeoutMs)}.`,
      change: null,
      exposure: toExposure(ofLoad.filter(({ role }) => role === 'kept')),
    },
  ];
}

/** A process that ends without being terminated closes its connections, too: that is a crash. */
function isOfExit({ pod, endMs }: Closed, { timelines, slackMs }: HazardEvidence): boolean {
  return timelines.some(
    ({ pod: name, exit, nodeLostMs }) =>
      (pod === null || pod === name) &&
      [exit?.atMs ?? null, nodeLostMs].some((ms) => ms !== null && Math.abs(endMs - ms) <= 1_000 + slackMs),
  );
}

function findLateEndpoint(timeline: PodTimeline, { ledForMs, ledFrom, acceptedForMs }: PodMargins): Hazard[] {
  const { pod, terminatingMs, graceMs } = timeline;
  if (terminatingMs === null || ledForMs === null || ledForMs === 0 || graceMs === 0) return [];
  if (acceptedForMs === null || acceptedForMs >= MIN_ACCEPT_MARGIN_MS) return [];
  const wantedMs = toWholeSeconds(ledForMs + MIN_ACCEPT_MARGIN_MS);
  return [
    {
      hazard: 'late-endpoint',
      pod,
      atMs: terminatingMs + ledForMs,
      why: `${pod} was led a connection${ledFrom === null ? '' : ` from ${ledFrom}`} ${formatSeconds(ledForMs)} after its deletion, and is known to have accepted for ${formatSeconds(acceptedForMs)} after that`,
      fix: `Make preStop ${formatSeconds(wantedMs)} or longer, and raise terminationGracePeriodSeconds by as much.`,
      change: toLongerPreStop(timeline, wantedMs),
      exposure: null,
    },
  ];
}

function toLongerPreStop(
  { terminatingMs, sigtermMs, graceMs }: PodTimeline,
  preStopMs: number,
): ManifestChange | null {
  if (terminatingMs === null || sigtermMs === null || graceMs === null) return null;
  const longerMs = preStopMs - (sigtermMs - terminatingMs);
  if (longerMs <= 0) return null;
  return { ...NO_CHANGE, preStopMs, graceMs: toWholeSeconds(graceMs + longerMs) };
}

function findTightGrace(timeline: PodTimeline, { graceLeftMs }: PodMargins): Hazard[] {
  const { pod, endpoint, graceMs, exit, terminatingMs, sigtermMs } = timeline;
  // A pod that never got a request had none to lose, for example one whose image cannot be pulled.
  if (endpoint.length === 0) return [];
  if (graceLeftMs === null || graceMs === null || exit === null || terminatingMs === null) return [];
  const wasKilled = isKilled(exit);
  if (!wasKilled && graceLeftMs >= MIN_GRACE_LEFT * graceMs) return [];
  const wantedMs = toWholeSeconds(1.25 * (exit.atMs - terminatingMs));
  const ignored =
    wasKilled && sigtermMs !== null
      ? ' If the process does not react to SIGTERM at all, handle the signal: a longer grace period does not help then.'
      : '';
  return [
    {
      hazard: 'tight-grace',
      pod,
      atMs: exit.atMs,
      why: wasKilled
        ? `${pod} was killed at the end of its grace period of ${formatSeconds(graceMs)}`
        : `${pod} ended with ${formatSeconds(graceLeftMs)} of its grace period of ${formatSeconds(graceMs)} left`,
      fix: `Exit once drained, or raise terminationGracePeriodSeconds above ${formatSeconds(wantedMs)}.${ignored}`,
      change: wasKilled ? null : { ...NO_CHANGE, graceMs: wantedMs },
      exposure: null,
    },
  ];
}

function findColdStart({ pod, ready }: PodTimeline, evidence: HazardEvidence): Hazard[] {
  const { endpoints, deadlineMs, firstServiceMs } = evidence;
  const readyMs = ready[0]?.fromMs;
  if (readyMs === undefined || readyMs <= 0) return [];
  const slow = endpoints.flatMap(({ name, usualMs }, index) => {
    const ms = firstServiceMs(pod, index);
    return ms !== null && ms > deadlineMs / 2 && !(ms <= 2 * usualMs) ? [{ name, ms, usualMs }] : [];
  });
  const [worst] = slow.sort((a, b) => b.ms - a.ms);
  if (worst === undefined) return [];
  return [
    {
      hazard: 'cold-start',
      pod,
      atMs: readyMs,
      why: `the first responses of ${pod} to ${worst.name} took up to ${formatSeconds(worst.ms)}, with a deadline of ${formatSeconds(deadlineMs)}${Number.isNaN(worst.usualMs) ? '' : ` and ${formatSeconds(worst.usualMs)} as usual`}`,
      fix: 'Warm up before the readiness probe succeeds: open pools, load caches and send a request to each route of the own server first.',
      change: null,
      exposure: null,
    },
  ];
}

function findThinCapacity(evidence: HazardEvidence): Hazard[] {
  const { timelines, endpoints, beganMs, endMs, deadlineMs, surgeAdvice } = evidence;
  if (beganMs === Number.POSITIVE_INFINITY) return [];
  const changes = timelines
    .flatMap(({ endpoint }) => endpoint.flatMap(({ fromMs, toMs }) => [fromMs, toMs ?? endMs]))
    .filter((ms) => ms >= beganMs && ms < endMs);
  const countAt = (ms: number) => countEndpoints(timelines, ms);
  // A target that has one pod at rest is no thinner in the disruption.
  const aloneMs =
    countAt(beganMs) > 1 ? changes.sort((a, b) => a - b).find((ms) => countAt(ms) === 1) : undefined;
  const slow = endpoints.find(
    ({ beforeP99Ms, duringP99Ms }) => duringP99Ms > deadlineMs / 2 && beforeP99Ms <= deadlineMs / 2,
  );
  const fix = `${surgeAdvice} Against drains, add a PodDisruptionBudget.`;
  return [
    ...(aloneMs === undefined
      ? []
      : [
          {
            hazard: 'thin-capacity' as const,
            pod: timelines.find(({ endpoint }) => isWithin(endpoint, aloneMs))?.pod ?? null,
            atMs: aloneMs,
            why: `one pod alone was ready at ${formatSeconds(aloneMs)}`,
            fix,
            change: null,
            exposure: null,
          },
        ]),
    ...(slow === undefined
      ? []
      : [
          {
            hazard: 'thin-capacity' as const,
            pod: null,
            atMs: beganMs,
            why: `${slow.name} took ${formatSeconds(slow.duringP99Ms)} (p99) in the disruption and ${formatSeconds(slow.beforeP99Ms)} before it, with a deadline of ${formatSeconds(deadlineMs)}`,
            fix,
            change: null,
            exposure: null,
          },
        ]),
  ];
}

/** Null: none of them was in use. */
function toExposure(connections: readonly ConnectionEnd[]): Exposure | null {
  if (connections.length === 0) return null;
  const seconds = connections.reduce(
    (sum, { establishedMs, endMs }) => sum + Math.max(0, endMs - (establishedMs ?? endMs)) / 1_000,
    0,
  );
  const requests = connections.reduce((sum, connection) => sum + connection.requests, 0);
  return { connections: connections.length, perSecond: seconds === 0 ? 0 : requests / seconds };
}
