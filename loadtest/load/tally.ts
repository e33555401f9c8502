import { isLost, type Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { MAX_LAG_OF_A_LOSS_MS } from './evidence.ts';
import { toLagMs } from './recorder.ts';

/** Losses kept to be judged; all are counted. */
const MAX_LOSSES = 100_000;
/** Lag times kept for percentiles, thinned out evenly beyond. */
const MAX_SAMPLES = 200_000;
const SLOT_MS = 250;
const MOMENT_MS = 100;
/** Service times kept of each moment: enough for a median, and few enough for a day of load. */
const MAX_OF_A_MOMENT = 16;
const SECOND_MS = 1_000;

/** Requests of one version that were due in one slot of time, by how they ended. */
export interface Slot {
  readonly fromMs: number;
  readonly version: string | null;
  readonly outcomes: Partial<Record<Outcome, number>>;
}

type Counts = Partial<Record<Outcome, number>>;

/** What a proof keeps of its settlements. */
export interface Tally {
  add(settlement: Settlement): void;
  readonly settled: number;
  readonly ok: number;
  readonly lost: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly losses: readonly Settlement[];
  readonly slots: readonly Slot[];
  /** When each pod first answered ok: this endpoint, or with null any. */
  firstOkMs(pod: string, endpoint: number | null): number | null;
  /** When each pod first answered ok at all. */
  readonly answered: ReadonlyMap<string, number>;
  /** When a response was ok: the first and the last of them. */
  readonly okSpan: { readonly firstMs: number; readonly lastMs: number } | null;
  /** Median service time of the ok responses that ended within 150 ms of that time; of all where there were none. */
  usualMs(atMs: number): number;
  readonly lagP99Ms: number;
  /** Seconds of the load in which at least half of the requests that went out were late. */
  readonly lateSeconds: readonly number[];
  /** How the requests to an endpoint ended so far. */
  outcomesOf(endpoint: number): Readonly<Partial<Record<Outcome, number>>>;
}

export function createTally(podOf: (settlement: Settlement) => string | null): Tally {
  const outcomes: Counts = {};
  const byEndpoint = new Map<number, Counts>();
  const seconds = new Map<number, { sent: number; late: number }>();
  const losses: Settlement[] = [];
  const slots = new Map<string, Slot>();
  const firstOk = new Map<string, number>();
  const answered = new Map<string, number>();
  const lags = createSample();
  let settled = 0;
  let ok = 0;
  let lost = 0;
  let okSpan: { firstMs: number; lastMs: number } | null = null;
  const services = createSample();
  const servicesByTime = new Map<number, number[]>();

  function addOk(settlement: Settlement): void {
    const { endMs, sentMs, endpoint } = settlement;
    ok += 1;
    okSpan = {
      firstMs: Math.min(endMs, okSpan?.firstMs ?? endMs),
      lastMs: Math.max(endMs, okSpan?.lastMs ?? endMs),
    };
    if (sentMs !== null) {
      services.add(endMs - sentMs);
      const moment = Math.floor(endMs / MOMENT_MS);
      const near = servicesByTime.get(moment) ?? [];
      servicesByTime.set(moment, near);
      if (near.length < MAX_OF_A_MOMENT) near.push(endMs - sentMs);
    }
    const pod = podOf(settlement);
    if (pod === null) return;
    for (const [map, key] of [
      [answered, pod],
      [firstOk, `${pod} ${endpoint}`],
    ] as const) {
      map.set(key, Math.min(endMs, map.get(key) ?? endMs));
    }
  }

  function addLag(lagMs: number, intendedMs: number): void {
    lags.add(lagMs);
    const second = Math.floor(intendedMs / SECOND_MS);
    const counts = seconds.get(second) ?? { sent: 0, late: 0 };
    seconds.set(second, counts);
    counts.sent += 1;
    if (lagMs > MAX_LAG_OF_A_LOSS_MS) counts.late += 1;
  }

  return {
    add(settlement) {
      const { outcome, intendedMs, version, endpoint } = settlement;
      settled += 1;
      const own = byEndpoint.get(endpoint) ?? {};
      byEndpoint.set(endpoint, own);
      for (const counts of [outcomes, own]) counts[outcome] = (counts[outcome] ?? 0) + 1;
      const fromMs = Math.floor(intendedMs / SLOT_MS) * SLOT_MS;
      const key = `${fromMs} ${version}`;
      const slot = slots.get(key) ?? { fromMs, version, outcomes: {} };
      slots.set(key, slot);
      slot.outcomes[outcome] = (slot.outcomes[outcome] ?? 0) + 1;
      const lagMs = toLagMs(settlement);
      if (lagMs !== null) addLag(lagMs, intendedMs);
      if (outcome === 'ok') addOk(settlement);
      else if (isLost(outcome)) {
        lost += 1;
        if (losses.length < MAX_LOSSES) losses.push(settlement);
      }
    },
    get settled() {
      return settled;
    },
    get ok() {
      return ok;
    },
    get lost() {
      return lost;
    },
    outcomes,
    losses,
    get slots() {
      return [...slots.values()].sort((a, b) => a.fromMs - b.fromMs);
    },
    firstOkMs: (pod, endpoint) =>
      (endpoint === null ? answered.get(pod) : firstOk.get(`${pod} ${endpoint}`)) ?? null,
    answered,
    get okSpan() {
      return okSpan;
    },
    usualMs(atMs) {
      const moment = Math.floor(atMs / MOMENT_MS);
      const near = [moment - 1, moment, moment + 1].flatMap((at) => servicesByTime.get(at) ?? []);
      return near.length === 0 ? services.percentile(0.5) : toPercentile(toSorted(near), 0.5);
    },
    get lagP99Ms() {
      return lags.percentile(0.99);
    },
    get lateSeconds() {
      const late = [...seconds].filter(([, counts]) => 2 * counts.late >= counts.sent);
      return late.map(([second]) => second).sort((a, b) => a - b);
    },
    outcomesOf: (endpoint) => byEndpoint.get(endpoint) ?? {},
  };
}

/** Every n-th value, n doubling whenever there are too many: exact up to the limit, evenly spread beyond. */
function createSample() {
  let values: number[] = [];
  let stride = 1;
  let seen = 0;
  let sorted: number[] | null = null;
  return {
    add(value: number): void {
      sorted = null;
      if (seen % stride === 0) values.push(value);
      seen += 1;
      if (values.length < MAX_SAMPLES) return;
      values = values.filter((_, index) => index % 2 === 0);
      stride *= 2;
    },
    percentile(share: number): number {
      sorted ??= toSorted(values);
      return toPercentile(sorted, share);
    },
  };
}

function toSorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function toPercentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
