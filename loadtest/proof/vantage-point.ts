import { formatCount } from '../cli/format.ts';
import { isLost } from '../engine/outcome.ts';
import type { Collector } from '../load/collector.ts';
import type { Table } from '../report/tables.ts';
import { toLedForMs } from './margin.ts';
import type { PodTimeline } from './timeline.ts';

/** What was sent from one place, of a load that was sent from several. */
export interface VantagePoint {
  /** For example the name of a node. */
  readonly from: string;
  readonly requests: number;
  readonly lost: number;
  /** The longest time for which a deleted pod was still led connections from there; null: none was deleted. */
  readonly ledForMs: number | null;
}

/** Counts by where requests were sent from; those of this process are left out. */
export interface VantageCounts extends Collector {
  list(): readonly Pick<VantagePoint, 'from' | 'requests' | 'lost'>[];
}

export function createVantageCounts(): VantageCounts {
  const counts = new Map<string, { from: string; requests: number; lost: number }>();
  return {
    add({ from, outcome }) {
      if (from === null) return;
      const own = counts.get(from) ?? { from, requests: 0, lost: 0 };
      counts.set(from, own);
      own.requests += 1;
      if (isLost(outcome)) own.lost += 1;
    },
    list: () => [...counts.values()].sort((a, b) => (a.from < b.from ? -1 : 1)),
  };
}

/** @param lastOpenings of a pod: when the last connection to it was opened, by where from */
export function toVantagePoints(
  counts: readonly Pick<VantagePoint, 'from' | 'requests' | 'lost'>[],
  timelines: readonly PodTimeline[],
  lastOpenings: (pod: string) => ReadonlyMap<string | null, number>,
): VantagePoint[] {
  return counts.map((own) => {
    const times = timelines.flatMap((timeline) => {
      const ms = toLedForMs(timeline, lastOpenings(timeline.pod).get(own.from) ?? null);
      return ms === null ? [] : [ms];
    });
    return { ...own, ledForMs: times.length === 0 ? null : Math.max(...times) };
  });
}

/** One row per place: a node whose kube-proxy is slow shows in its last column. */
export function toVantageTable(points: readonly VantagePoint[]): Table {
  return {
    title: 'Vantage points',
    note: 'One plan, of which each sent its part.',
    columns: ['From', 'Requests', 'Lost', 'Endpoints used after deletion'],
    rows: points.map(({ from, requests, lost, ledForMs: ms }) => [
      from,
      formatCount(requests),
      formatCount(lost),
      ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`,
    ]),
  };
}
