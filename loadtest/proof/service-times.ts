import type { Collector } from '../load/collector.ts';
import { createHistogram } from '../load/histogram.ts';

const MOMENT_MS = 100;
/** Samples kept per slot: enough for a median, and few enough for a day of load. */
const MAX_OF_A_MOMENT = 16;

/** How long responses took around a given time. */
export interface ServiceTimes {
  /**
   * Median service time in ms of the ok responses that ended within 150 ms of that time; of all where there were none.
   */
  usualMs(atMs: number): number;
}

export function createServiceTimes(): ServiceTimes & Collector {
  const all = createHistogram(3);
  const moments = new Map<number, number[]>();
  return {
    add({ outcome, sentMs, endMs }) {
      if (outcome !== 'ok' || sentMs === null) return;
      const serviceMs = Math.max(0, endMs - sentMs);
      all.record(serviceMs);
      const at = Math.floor(endMs / MOMENT_MS);
      const near = moments.get(at) ?? [];
      moments.set(at, near);
      if (near.length < MAX_OF_A_MOMENT) near.push(serviceMs);
    },
    usualMs(atMs) {
      const moment = Math.floor(atMs / MOMENT_MS);
      const near = [moment - 1, moment, moment + 1].flatMap((at) => moments.get(at) ?? []);
      near.sort((a, b) => a - b);
      return near[Math.floor(near.length / 2)] ?? (all.count === 0 ? 0 : all.percentileMs(50));
    },
  };
}
