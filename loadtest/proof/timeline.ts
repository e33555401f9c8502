interface At {
  /** In ms on the load's clock; negative: before the load began. */
  readonly atMs: number;
  readonly pod: string;
}

/** What the kubelet found of a container: it restarts one where that happens too often. */
export interface ProbeFailure {
  readonly probe: 'liveness' | 'startup';
  /** It happened too often: the container is killed now. */
  readonly isKill: boolean;
}

/**
 * What happened to a pod, stamped when it was seen. `endpoint-*` is its membership in the ready endpoints.
 * `sigterm` is emitted only where it can be observed; otherwise it is derived from `terminating`, whose `preStopMs`
 * is null where the length of preStop is not known.
 */
export type PodEvent = At &
  (
    | {
        readonly kind: 'scheduled';
        readonly version: string | null;
        readonly node: string | null;
        /** Its readiness probe connects to the port that gets the traffic: a ready pod accepts connections. */
        readonly isProbed: boolean;
      }
    | { readonly kind: 'started' | 'ready' | 'unready' | 'endpoint-added' | 'endpoint-removed' }
    | { readonly kind: 'terminating'; readonly graceMs: number; readonly preStopMs: number | null }
    | { readonly kind: 'sigterm' | 'node-lost' | 'gone' }
    | ({ readonly kind: 'probe-failed' } & ProbeFailure)
    /** It is about to be terminated: the reason of its condition `DisruptionTarget`. */
    | { readonly kind: 'disrupted'; readonly reason: string }
    | {
        readonly kind: 'exited';
        readonly code: number | null;
        readonly signal: string | null;
        /** The kernel killed it for want of memory. */
        readonly isOomKilled?: boolean;
      }
    | {
        /** A direct probe of its address was accepted, or was not, for the first time since one had ended otherwise. */
        readonly kind: 'direct-accepted' | 'direct-refused';
        /** For how long before it is not known which of both would have been; 0: it was the first probe. */
        readonly uncertainMs: number;
      }
    /** It is gone, and so no longer probed: since the last probe, so long ago, nothing is known of it. */
    | { readonly kind: 'direct-ended'; readonly uncertainMs: number }
    /** The first ok response to a direct probe. */
    | { readonly kind: 'direct-answered' }
    /** It closed the idle keep-alive connection of the direct probes, and had not announced it. */
    | { readonly kind: 'direct-closed'; readonly idleMs: number }
  );

/** Does it tell what direct probes found, and nothing that happened to the pod? They may be told late, out of order. */
export function isOfProbe({ kind }: PodEvent): boolean {
  return kind.startsWith('direct-');
}

/** From `fromMs` until `toMs`; null: it still lasts. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number | null;
}

export interface ContainerExit {
  readonly atMs: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** The kernel killed it for want of memory: by its limit, or the node's. */
  readonly isOomKilled: boolean;
}

/** What direct probes found of a pod: connections to its own address, beside the load. */
interface DirectTimes {
  /** It accepts for certain. What is in neither of these spans lies between two probes. */
  readonly accepts: readonly Span[];
  /** It does not accept: refused, or no reply. */
  readonly refuses: readonly Span[];
  /** When it first gave an ok response; null: it was not seen to. */
  readonly answeredMs: number | null;
  /** Idle keep-alive connections that it closed in silence. */
  readonly closed: readonly { readonly atMs: number; readonly idleMs: number }[];
}

/** One pod from its scheduling to its end. A time is null when it was not seen. */
export interface PodTimeline {
  readonly pod: string;
  readonly version: string | null;
  readonly node: string | null;
  /** It accepted connections when it became ready: its probe made one. */
  readonly isProbed: boolean;
  readonly scheduledMs: number | null;
  readonly startedMs: number | null;
  readonly ready: readonly Span[];
  /** When it was among the ready endpoints. */
  readonly endpoint: readonly Span[];
  readonly terminatingMs: number | null;
  readonly graceMs: number | null;
  /** Also null where the pod is terminating and the length of its preStop is not known. */
  readonly sigtermMs: number | null;
  readonly exit: ContainerExit | null;
  readonly nodeLostMs: number | null;
  readonly goneMs: number | null;
  /** Null: it was not probed directly. */
  readonly direct: DirectTimes | null;
}

export const PHASES = {
  unknown: 'the pod was not seen at that time',
  starting: 'scheduled, but not ready yet',
  ready: 'ready',
  unready: 'was ready, but is not now',
  terminating: 'being terminated, and still an endpoint',
  preStop: 'no longer an endpoint, SIGTERM not sent yet',
  'endpoint removed': 'no longer an endpoint, SIGTERM sent',
  'preStop or later': 'no longer an endpoint; not known whether SIGTERM was sent',
  gone: 'its process has ended',
} as const satisfies Record<string, string>;

export type PodPhase = keyof typeof PHASES;

/** Pod timelines by pod name, from events in any order. */
export function toPodTimelines(events: readonly PodEvent[]): Map<string, PodTimeline> {
  const byPod = new Map<string, PodEvent[]>();
  for (const event of [...events].sort((a, b) => a.atMs - b.atMs)) {
    const known = byPod.get(event.pod);
    if (known === undefined) byPod.set(event.pod, [event]);
    else known.push(event);
  }
  return new Map([...byPod].map(([pod, own]) => [pod, toTimeline(pod, own)]));
}

function toTimeline(pod: string, events: readonly PodEvent[]): PodTimeline {
  const first = <K extends PodEvent['kind']>(kind: K) =>
    events.find((event): event is Extract<PodEvent, { kind: K }> => event.kind === kind);
  const firstMs = (kind: PodEvent['kind']) => first(kind)?.atMs ?? null;
  const terminating = first('terminating');
  const exit = events.findLast((event) => event.kind === 'exited');
  return {
    pod,
    version: first('scheduled')?.version ?? null,
    node: first('scheduled')?.node ?? null,
    isProbed: first('scheduled')?.isProbed ?? false,
    scheduledMs: firstMs('scheduled'),
    startedMs: firstMs('started'),
    ready: toSpans(events, 'ready', ['unready', 'exited', 'gone']),
    endpoint: toSpans(events, 'endpoint-added', ['endpoint-removed']),
    terminatingMs: terminating?.atMs ?? null,
    graceMs: terminating?.graceMs ?? null,
    sigtermMs: firstMs('sigterm') ?? toSigtermMs(terminating),
    exit: exit === undefined ? null : toContainerExit(exit),
    nodeLostMs: firstMs('node-lost'),
    goneMs: firstMs('gone'),
    direct: toDirectTimes(events),
  };
}

function toDirectTimes(events: readonly PodEvent[]): DirectTimes | null {
  const changes = events.flatMap((event) =>
    event.kind === 'direct-accepted' || event.kind === 'direct-refused' || event.kind === 'direct-ended'
      ? [event]
      : [],
  );
  if (changes.length === 0) return null;
  const toOwn = (kind: PodEvent['kind']): Span[] =>
    changes.flatMap((change, index) => {
      if (change.kind !== kind) return [];
      const next = changes.slice(index + 1).find((other) => other.kind !== kind);
      return [{ fromMs: change.atMs, toMs: next === undefined ? null : next.atMs - next.uncertainMs }];
    });
  return {
    accepts: toOwn('direct-accepted'),
    refuses: toOwn('direct-refused'),
    answeredMs: events.find(({ kind }) => kind === 'direct-answered')?.atMs ?? null,
    closed: events.flatMap((event) =>
      event.kind === 'direct-closed' ? [{ atMs: event.atMs, idleMs: event.idleMs }] : [],
    ),
  };
}

function toContainerExit({
  atMs,
  code,
  signal,
  isOomKilled = false,
}: Extract<PodEvent, { kind: 'exited' }>): ContainerExit {
  return { atMs, code, signal, isOomKilled };
}

function toSigtermMs(terminating: Extract<PodEvent, { kind: 'terminating' }> | undefined): number | null {
  const preStopMs = terminating?.preStopMs ?? null;
  return terminating === undefined || preStopMs === null ? null : terminating.atMs + preStopMs;
}

function toSpans(
  events: readonly PodEvent[],
  opens: PodEvent['kind'],
  closes: readonly PodEvent['kind'][],
): Span[] {
  const spans: Span[] = [];
  let fromMs: number | null = null;
  for (const { kind, atMs } of events) {
    if (kind === opens) fromMs ??= atMs;
    else if (fromMs !== null && closes.includes(kind)) {
      spans.push({ fromMs, toMs: atMs });
      fromMs = null;
    }
  }
  if (fromMs !== null) spans.push({ fromMs, toMs: null });
  return spans;
}

/** How many pods have been terminating since the load began. */
export function countEnded(timelines: readonly PodTimeline[]): number {
  return timelines.filter(({ terminatingMs }) => terminatingMs !== null && terminatingMs >= 0).length;
}

/** Does the moment lie in one of the spans? Their start belongs to them, their end does not. */
export function isWithin(spans: readonly Span[], atMs: number): boolean {
  return spans.some(({ fromMs, toMs }) => atMs >= fromMs && (toMs === null || atMs < toMs));
}

/** How many of the pods were endpoints at that moment. */
export function countEndpoints(timelines: Iterable<PodTimeline>, atMs: number): number {
  return [...timelines].filter(({ endpoint }) => isWithin(endpoint, atMs)).length;
}

/** How its process ended, whether by that moment or after it; null where it was ready again in between. */
export function toExit({ exit, ready }: PodTimeline, atMs: number): ContainerExit | null {
  return exit !== null && ready.some(({ fromMs }) => fromMs >= exit.atMs && fromMs <= atMs) ? null : exit;
}

/** Did SIGKILL end it, as it does at the end of the grace period? A container runtime tells that as code 137. */
export function isKilled({ code, signal, isOomKilled }: ContainerExit): boolean {
  return !isOomKilled && (signal === 'SIGKILL' || code === 137);
}

/**
 * The pod's phase at a moment. The exit of its process takes precedence over termination, and termination over
 * readiness.
 */
export function toPhase(timeline: PodTimeline | undefined, atMs: number): PodPhase {
  if (timeline === undefined) return 'unknown';
  const isPast = (ms: number | null) => ms !== null && atMs >= ms;
  if (isPast(timeline.goneMs)) return 'gone';
  if (isPast(timeline.terminatingMs)) {
    if (isPast(toExit(timeline, atMs)?.atMs ?? null)) return 'gone';
    if (isWithin(timeline.endpoint, atMs)) return 'terminating';
    if (timeline.sigtermMs === null) return 'preStop or later';
    return isPast(timeline.sigtermMs) ? 'endpoint removed' : 'preStop';
  }
  if (isWithin(timeline.ready, atMs)) return 'ready';
  if (timeline.ready.some((span) => atMs >= span.fromMs)) return 'unready';
  return isPast(timeline.scheduledMs) ? 'starting' : 'unknown';
}
