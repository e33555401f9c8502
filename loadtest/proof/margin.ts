import type { PodTimeline } from './timeline.ts';

/**
 * How near a pod came to losing something. Null: it did not end, or was not new; or what is needed was not seen.
 */
export interface PodMargins {
  readonly pod: string;
  /** From its deletion until the last connection that was led to it was opened. */
  readonly ledForMs: number | null;
  /** Where that connection was opened from; null: from one place alone. */
  readonly ledFrom: string | null;
  /** From that connection until the pod stopped accepting; at least so long. */
  readonly acceptedForMs: number | null;
  /** What was left of its grace period at its exit. */
  readonly graceLeftMs: number | null;
  /** From the moment it was an endpoint until its first ok response. */
  readonly firstResponseMs: number | null;
  /** Where that response came to; null: to the only place, or to a direct probe. */
  readonly firstResponseFrom: string | null;
}

/** What the load saw of a pod, in ms since the load began; null: never. */
export interface PodSightings {
  /** When the last connection that was led to it was opened, by where from (null: from one place alone). */
  lastOpenings(pod: string): ReadonlyMap<string | null, number>;
  /** When it gave its first ok response, and to a request from where. */
  firstOk(pod: string): { readonly ms: number; readonly from: string | null } | null;
}

export function toPodMargins(timeline: PodTimeline, { lastOpenings, firstOk }: PodSightings): PodMargins {
  const { pod, terminatingMs, graceMs, exit, endpoint, ready } = timeline;
  const isEnded = hasEnded(timeline);
  const [ledFrom, opened] = toLast(lastOpenings(pod));
  const untilMs = isEnded ? toAcceptedUntilMs(timeline, opened) : null;
  const addedMs = endpoint[0]?.fromMs ?? null;
  const first = firstOk(pod);
  const answeredMs = first?.ms ?? timeline.direct?.answeredMs ?? null;
  const isNew = (ready[0]?.fromMs ?? 0) > 0;
  const firstResponseMs =
    isNew && addedMs !== null && answeredMs !== null ? Math.max(0, answeredMs - addedMs) : null;
  return {
    pod,
    ledForMs: toLedForMs(timeline, opened),
    ledFrom: isEnded ? ledFrom : null,
    acceptedForMs: untilMs === null || opened === null ? null : Math.max(0, untilMs - opened),
    graceLeftMs:
      isEnded && graceMs !== null && graceMs > 0 && exit !== null
        ? Math.max(0, (terminatingMs ?? 0) + graceMs - exit.atMs)
        : null,
    firstResponseMs,
    firstResponseFrom: firstResponseMs === null ? null : (first?.from ?? null),
  };
}

/** Was it deleted in the proof, and not lost with its node? */
function hasEnded({ terminatingMs, nodeLostMs }: PodTimeline): boolean {
  return terminatingMs !== null && terminatingMs >= 0 && nodeLostMs === null;
}

/** From the deletion of a pod until a connection to it was opened; null: it was not deleted, or there was none. */
export function toLedForMs(timeline: PodTimeline, openedMs: number | null): number | null {
  return hasEnded(timeline) && openedMs !== null
    ? Math.max(0, openedMs - (timeline.terminatingMs ?? openedMs))
    : null;
}

function toLast(openings: ReadonlyMap<string | null, number>): [string | null, number | null] {
  return [...openings].reduce<[string | null, number | null]>(
    (last, [from, ms]) => (last[1] === null || ms > last[1] ? [from, ms] : last),
    [null, null],
  );
}

/**
 * What direct probes saw is certain. Else a pod that took a connection after SIGTERM goes on accepting, as far as is
 * known until its exit. Of one that took none it is known only that it had no reason to stop before SIGTERM.
 */
function toAcceptedUntilMs(
  { sigtermMs, exit, terminatingMs, direct }: PodTimeline,
  openedMs: number | null,
): number | null {
  const last = direct?.accepts.at(-1)?.toMs ?? null;
  if (last !== null && terminatingMs !== null && last >= terminatingMs) return last;
  const exitMs = exit?.atMs ?? null;
  return sigtermMs === null || (openedMs !== null && openedMs > sigtermMs) ? exitMs : sigtermMs;
}

/** The least of each margin over all pods, whose it is and where it was seen from; `ledFor` is the longest. */
export type LeastMargins = {
  readonly [K in Exclude<keyof PodMargins, 'pod' | 'ledFrom' | 'firstResponseFrom'>]: Least | null;
};

interface Least {
  readonly pod: string;
  readonly ms: number;
  /** Null: from one place alone, or from nowhere. */
  readonly from: string | null;
}

/** Where each margin is seen from. A pod accepts for so long after the last connection from there. */
const FROM: Readonly<Record<keyof LeastMargins, 'ledFrom' | 'firstResponseFrom' | null>> = {
  ledForMs: 'ledFrom',
  acceptedForMs: 'ledFrom',
  graceLeftMs: null,
  firstResponseMs: 'firstResponseFrom',
};

export function toLeastMargins(margins: readonly PodMargins[]): LeastMargins {
  const worst = (key: keyof LeastMargins, isWorse: (a: number, b: number) => boolean) =>
    margins.reduce<Least | null>((least, own) => {
      const { pod, [key]: ms } = own;
      if (ms === null || (least !== null && !isWorse(ms, least.ms))) return least;
      const place = FROM[key];
      return { pod, ms, from: place === null ? null : own[place] };
    }, null);
  const more = (a: number, b: number) => a > b;
  const less = (a: number, b: number) => a < b;
  return {
    ledForMs: worst('ledForMs', more),
    acceptedForMs: worst('acceptedForMs', less),
    graceLeftMs: worst('graceLeftMs', less),
    firstResponseMs: worst('firstResponseMs', more),
  };
}

/** One sentence: `Endpoints were used for up to 1.9 s (web-a) after deletion; …`. Empty where no pod ended. */
export function formatMargins(margins: readonly PodMargins[]): string {
  const { ledForMs, acceptedForMs, graceLeftMs, firstResponseMs } = toLeastMargins(margins);
  const clauses = [
    ...(ledForMs === null ? [] : [`endpoints were used for up to ${show(ledForMs)} after deletion`]),
    ...(acceptedForMs === null
      ? []
      : [`pods went on accepting for at least ${show(acceptedForMs)} after that`]),
    ...(graceLeftMs === null ? [] : [`${show(graceLeftMs)} of grace were left at the least`]),
    ...(firstResponseMs === null
      ? []
      : [`new endpoints gave their first response within ${show(firstResponseMs)}`]),
  ];
  const text = clauses.join('; ');
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function show({ pod, ms, from }: Least): string {
  return `${(ms / 1_000).toFixed(1)} s (${pod}${from === null ? '' : `, from ${from}`})`;
}
