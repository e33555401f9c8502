import { countOutcomes } from '../load/record.ts';
import type { Loss } from './attribution.ts';
import type { Proof } from './judgement.ts';
import { isKilled, type PodTimeline } from './timeline.ts';

/** Geometry of the flight recorder: everything in units of the drawing, the time axis shared by all rows. */
export const FLIGHT = {
  width: 1_200,
  left: 190,
  right: 20,
  top: 34,
  chartHeight: 150,
  lossHeight: 26,
  laneHeight: 26,
  axisHeight: 34,
} as const;

const MAX_COLUMNS = 240;
const MAX_NAMED_MARKS = 12;

/** How a stretch of a pod's timeline is drawn. */
type Stage = 'starting' | 'ready' | 'unready' | 'terminating' | 'draining';

interface Bar {
  readonly x: number;
  readonly width: number;
  readonly y: number;
  readonly height: number;
  /** Index of the version in `versions`; `lost`: lost or not ok. */
  readonly series: number | 'lost';
}

export interface Lane {
  readonly timeline: PodTimeline;
  readonly y: number;
  readonly stretches: readonly { readonly x: number; readonly width: number; readonly stage: Stage }[];
  /** When the pod was an endpoint. */
  readonly endpoints: readonly { readonly x: number; readonly width: number }[];
  /** When it accepted direct probes. */
  readonly accepts: readonly { readonly x: number; readonly width: number }[];
  readonly ticks: readonly {
    readonly x: number;
    readonly kind: 'sigterm' | 'killed' | 'exited' | 'node-lost';
  }[];
  readonly losses: readonly { readonly x: number; readonly loss: number }[];
  readonly hazards: readonly { readonly x: number; readonly hazard: number }[];
}

export interface Flight {
  readonly height: number;
  readonly versions: readonly (string | null)[];
  readonly maxPerSecond: number;
  readonly bars: readonly Bar[];
  /**
   * All losses, whether or not the pod is known: index of the first loss at each position, and how many there are.
   */
  readonly losses: readonly { readonly x: number; readonly loss: number; readonly count: number }[];
  readonly lanes: readonly Lane[];
  readonly marks: readonly { readonly x: number; readonly text: string }[];
  readonly ticks: readonly { readonly x: number; readonly label: string }[];
  readonly axisY: number;
}

/** Places everything on one time axis. Pure. */
export function toFlight(proof: Proof): Flight {
  const { width, left, right, top, chartHeight, lossHeight, laneHeight, axisHeight } = FLIGHT;
  const endMs = Math.max(1, proof.durationMs);
  const toX = (ms: number) => left + ((width - left - right) * Math.min(endMs, Math.max(0, ms))) / endMs;
  const toSpan = (fromMs: number, toMs: number | null) => ({
    x: toX(fromMs),
    width: Math.max(0, toX(toMs ?? endMs) - toX(fromMs)),
  });
  const timelines = [...proof.timelines].sort((a, b) => startOf(a) - startOf(b) || (a.pod < b.pod ? -1 : 1));
  // A request without a response has no version, and is drawn as lost in any case.
  const answered = proof.record.series.filter(({ outcomes }) => (outcomes.ok ?? 0) > 0);
  const versions = [...new Set(answered.map(({ version }) => version))];
  const lanesY = top + chartHeight + lossHeight;
  const { bars, maxPerSecond } = toBars(proof, versions, toX);
  return {
    height: lanesY + timelines.length * laneHeight + axisHeight,
    versions,
    maxPerSecond,
    bars,
    losses: gather(proof.losses.map(({ settlement }) => toX(settlement.endMs))),
    lanes: timelines.map((timeline, index) => ({
      timeline,
      y: lanesY + index * laneHeight,
      stretches: toStretches(timeline).map(({ fromMs, toMs, stage }) => ({ ...toSpan(fromMs, toMs), stage })),
      endpoints: timeline.endpoint.map(({ fromMs, toMs }) => toSpan(fromMs, toMs)),
      accepts: (timeline.direct?.accepts ?? []).map(({ fromMs, toMs }) => toSpan(fromMs, toMs)),
      ticks: toTicks(timeline).map(({ atMs, kind }) => ({ x: toX(atMs), kind })),
      losses: lossesOf(proof.losses, timeline.pod).map(({ atMs, loss }) => ({ x: toX(atMs), loss })),
      hazards: proof.hazards.flatMap(({ pod, atMs }, hazard) =>
        pod === timeline.pod ? [{ x: toX(atMs), hazard }] : [],
      ),
    })),
    marks: proof.marks.slice(0, MAX_NAMED_MARKS).map(({ atMs, text }) => ({ x: toX(atMs), text })),
    ticks: toTimeTicks(endMs).map((ms) => ({ x: toX(ms), label: `${ms / 1_000} s` })),
    axisY: lanesY + timelines.length * laneHeight,
  };
}

function startOf({ scheduledMs, startedMs, ready }: PodTimeline): number {
  return scheduledMs ?? startedMs ?? ready[0]?.fromMs ?? 0;
}

/** Stacked columns: ok by version from the bottom, everything else on top. */
function toBars(
  { record: { series: slots, slotMs }, durationMs }: Proof,
  versions: Flight['versions'],
  toX: (ms: number) => number,
): { bars: Bar[]; maxPerSecond: number } {
  const columnMs = slotMs * Math.max(1, Math.ceil(durationMs / slotMs / MAX_COLUMNS));
  const columns = new Map<number, { ok: number[]; bad: number }>();
  for (const { slot, version, outcomes } of slots) {
    const at = Math.floor((slot * slotMs) / columnMs);
    const column = columns.get(at) ?? { ok: versions.map(() => 0), bad: 0 };
    columns.set(at, column);
    const { total, notOk } = countOutcomes(outcomes);
    const series = versions.indexOf(version);
    if (series >= 0) column.ok[series] = (column.ok[series] ?? 0) + total - notOk;
    column.bad += notOk;
  }
  const sums = [...columns.values()].map(({ ok, bad }) => bad + ok.reduce((sum, count) => sum + count, 0));
  const max = Math.max(1, ...sums);
  const bars: Bar[] = [];
  for (const [at, { ok, bad }] of columns) {
    const x = toX(at * columnMs);
    const width = toX((at + 1) * columnMs) - x;
    let y = FLIGHT.top + FLIGHT.chartHeight;
    const put = (count: number, series: Bar['series']) => {
      if (count === 0) return;
      const height = (FLIGHT.chartHeight * count) / max;
      y -= height;
      bars.push({ x, width, y, height, series });
    };
    for (const [series, count] of ok.entries()) put(count, series);
    put(bad, 'lost');
  }
  return { bars, maxPerSecond: (max * 1_000) / columnMs };
}

function toStretches(timeline: PodTimeline): { fromMs: number; toMs: number | null; stage: Stage }[] {
  const { ready, scheduledMs, startedMs, terminatingMs, sigtermMs, exit, goneMs } = timeline;
  // A container that exited by itself was restarted if its pod became ready again.
  const isBack = exit !== null && ready.some(({ fromMs }) => fromMs > exit.atMs);
  const diedMs = isBack ? null : (exit?.atMs ?? null);
  const endMs = terminatingMs === null ? (goneMs ?? diedMs) : (exit?.atMs ?? goneMs);
  const aliveUntilMs = terminatingMs ?? endMs;
  const bornMs = scheduledMs ?? startedMs;
  const firstMs = ready[0]?.fromMs ?? aliveUntilMs;
  return [
    ...(bornMs === null ? [] : [{ fromMs: bornMs, toMs: firstMs, stage: 'starting' as const }]),
    ...ready.flatMap(({ fromMs, toMs }, index) => {
      const untilMs = toMs === null || (aliveUntilMs !== null && toMs > aliveUntilMs) ? aliveUntilMs : toMs;
      const nextMs = ready[index + 1]?.fromMs ?? aliveUntilMs;
      const isGap = untilMs !== null && (nextMs === null || nextMs > untilMs) && untilMs !== aliveUntilMs;
      return [
        { fromMs, toMs: untilMs, stage: 'ready' as const },
        ...(isGap ? [{ fromMs: untilMs, toMs: nextMs, stage: 'unready' as const }] : []),
      ];
    }),
    ...(terminatingMs === null
      ? []
      : [{ fromMs: terminatingMs, toMs: minOf(sigtermMs, endMs), stage: 'terminating' as const }]),
    ...(sigtermMs === null || (endMs !== null && endMs <= sigtermMs)
      ? []
      : [{ fromMs: sigtermMs, toMs: endMs, stage: 'draining' as const }]),
  ];
}

function minOf(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

function toTicks({ sigtermMs, exit, graceMs, nodeLostMs, terminatingMs }: PodTimeline) {
  return [
    ...(sigtermMs === null || graceMs === 0 ? [] : [{ atMs: sigtermMs, kind: 'sigterm' as const }]),
    ...(exit === null
      ? []
      : [{ atMs: exit.atMs, kind: isKilled(exit) ? ('killed' as const) : ('exited' as const) }]),
    ...(exit === null && graceMs === 0 && terminatingMs !== null
      ? [{ atMs: terminatingMs, kind: 'killed' as const }]
      : []),
    ...(nodeLostMs === null ? [] : [{ atMs: nodeLostMs, kind: 'node-lost' as const }]),
  ];
}

function lossesOf(losses: readonly Loss[], pod: string): { atMs: number; loss: number }[] {
  return losses.flatMap((loss, index) =>
    loss.pod === pod ? [{ atMs: loss.settlement.endMs, loss: index }] : [],
  );
}

/** Merges marks that would overlap. */
function gather(places: readonly number[]): { x: number; loss: number; count: number }[] {
  const apart = 6;
  const marks: { x: number; loss: number; count: number }[] = [];
  for (const [loss, x] of places.entries()) {
    const last = marks.at(-1);
    if (last !== undefined && x - last.x < apart) last.count += 1;
    else marks.push({ x, loss, count: 1 });
  }
  return marks;
}

function toTimeTicks(endMs: number): number[] {
  const steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600].map((s) => 1_000 * s);
  const step = steps.find((ms) => endMs / ms <= 12) ?? 7_200_000;
  return Array.from({ length: Math.floor(endMs / step) + 1 }, (_, index) => index * step);
}
