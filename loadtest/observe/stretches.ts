import { isLost } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Collector, ConnectionCollector } from '../load/collector.ts';
import { type LoadSpec, toLongestTimeoutMs } from '../load/load-spec.ts';
import { createRecent } from '../load/recent.ts';
import type { OutcomeCounts, OutcomeTally } from '../load/record.ts';
import type { HazardId } from '../proof/hazard.ts';
import { createHealth, type Health } from '../proof/health.ts';
import { isOfProbe, toPodTimelines } from '../proof/timeline.ts';
import type { ObservedTarget } from './observed-target.ts';
import { type Incident, type Replaced, toIncidents, toReplaced } from './replacement.ts';
import { createStretch, type LoadStretch } from './stretch.ts';
import { addStretch, type JudgedStretch, NO_TOTALS, type Totals } from './totals.ts';
import { findUnrest } from './unrest.ts';

export interface StretchOptions {
  /** Load that belongs to a replacement after the target is quiet again. */
  readonly tailMs: number;
  /** Hazards that do not count. */
  readonly allowed: readonly HazardId[];
}

/** An event may be told so long after requests have failed of it. */
const MARGIN_MS = 5_000;
/**
 * A node is reported as lost so long after it was: node-monitor-grace-period, and some. A container that hangs is killed
 * about as late: its probe fails three times by default, ten seconds apart, and then it has its grace period.
 */
const LATE_MS = 60_000;
/** What is usual is told from this much load before. */
const LEAD_MS = 10_000;
/** For how long a loss may still turn out to be of a replacement. */
const HOLD_MS = LATE_MS + LEAD_MS + MARGIN_MS;
/** Losses outside of all replacements that lie in so much time are judged together. */
const GROUP_MS = 60_000;
/** Where nothing changes for so long, waiting on shows nothing more. */
const MAX_STILL_MS = 5 * 60_000;
const MAX_STRETCH_MS = 3_600_000;
/** Until the next request is due. */
const LESS_THAN_NEXT_MS = 0.001;
/** From the deadline of a request until it is told here. */
const SETTLED_MS = 1_000;

/** The stretches of one observation, from the requests and pods that they are told from. */
export interface Stretches extends Collector, ConnectionCollector {
  readonly health: Health;
  readonly totals: Totals;
  readonly outcomes: OutcomeCounts;
  /** No replacement is under way, or waits for its verdict. */
  readonly isQuiet: boolean;
  /**
   * Tells when the load began, before it is looked at first.
   * @param sceneMs on the clock of the target
   */
  begin(sceneMs: number, epochMs: number): void;
  /** Opens, ends and judges what is to be by now. */
  look(nowMs: number): Promise<void>;
  /** Judges all that is left. */
  finish(nowMs: number): Promise<void>;
}

type StretchSpan = Pick<LoadStretch, 'fromMs' | 'toMs'>;

interface Replacement {
  readonly stretch: LoadStretch;
  /** Of its first incident, on the clock of the target. */
  readonly fromMs: number;
  incomplete: string | null;
  /** That every event up to its end was seen. */
  confirmed: Promise<void>;
}

export function createStretches(
  { tailMs, allowed }: StretchOptions,
  spec: LoadSpec,
  target: ObservedTarget,
  onJudged: (judged: JudgedStretch) => void,
): Stretches {
  const timeoutMs = toLongestTimeoutMs(spec);
  const settledMs = timeoutMs + SETTLED_MS;
  const recent = createRecent(HOLD_MS + GROUP_MS + LEAD_MS + settledMs);
  const health = createHealth(spec.plan.endpoints);
  const outcomes: OutcomeTally = {};
  let totals = NO_TOTALS;
  /** Of the load, on the clock of the target. */
  let startMs = 0;
  let startedAtMs = 0;
  let seenMs = 0;
  /** Of the stretches so far, as far as others may touch them. */
  let spans: readonly StretchSpan[] = [];
  let open: Replacement | null = null;
  const ended: Replacement[] = [];
  /** Losses that are of no replacement so far, in the order in which they were due. */
  let strays: Settlement[] = [];

  const stretches = () => [...ended, ...(open === null ? [] : [open])].map(({ stretch }) => stretch);

  /** Not before the stretch before it has ended. */
  function start({ fromMs, beganMs, toMs }: StretchSpan & Pick<LoadStretch, 'beganMs'>): LoadStretch {
    const floorMs = Math.max(0, ...spans.map((span) => span.toMs).filter((endMs) => endMs <= beganMs));
    const stretch = createStretch({ fromMs: Math.max(floorMs, fromMs), beganMs }, spec, target, startMs);
    stretch.end(toMs);
    spans = [...spans, stretch];
    recent.replay(stretch.fromMs, stretch);
    return stretch;
  }

  function see(incidents: readonly Incident[]): void {
    const [first] = incidents;
    if (first === undefined || open !== null) return;
    const isLate = first.kind === 'node-lost' || (first.kind === 'exited' && first.failedProbe !== null);
    const marginMs = isLate ? LATE_MS : MARGIN_MS;
    const takenMs = Math.max(0, ...spans.map(({ toMs }) => toMs));
    const beganMs = Math.max(takenMs, first.atMs - startMs - marginMs);
    const stretch = start({ fromMs: beganMs - LEAD_MS, beganMs, toMs: Number.POSITIVE_INFINITY });
    open = { stretch, fromMs: first.atMs, incomplete: null, confirmed: Promise.resolve() };
    strays = strays.filter(({ intendedMs }) => intendedMs < stretch.fromMs);
  }

  function close(nowMs: number, incomplete: string | null): void {
    if (open === null) return;
    open.stretch.end(nowMs);
    open.incomplete = incomplete;
    open.confirmed = target.confirm();
    ended.push(open);
    open = null;
  }

  /** Ends the replacement under way if it is over. */
  function settle(nowMs: number): void {
    if (open === null) return;
    const { stretch } = open;
    const changedMs = (target.events.findLast((event) => !isOfProbe(event))?.atMs ?? 0) - startMs;
    if (nowMs - changedMs < tailMs) return;
    const timelines = [...toPodTimelines(target.events).values()].filter(({ pod }) => target.isTarget(pod));
    const unrest = findUnrest({
      timelines,
      wanted: target.wanted,
      hasAnswered: stretch.hasAnswered,
      isNamed: stretch.isNamed,
      nowMs: startMs + nowMs,
    });
    const isTooLong = nowMs - changedMs >= MAX_STILL_MS || nowMs - stretch.fromMs >= MAX_STRETCH_MS;
    if (unrest === null) close(nowMs, null);
    else if (isTooLong) close(nowMs, `it did not come to rest: ${unrest}`);
  }

  function judge(stretch: LoadStretch, reasons: readonly Replaced[], incomplete: string | null): void {
    const judged: JudgedStretch = {
      startedAt: new Date(startedAtMs + stretch.fromMs).toISOString(),
      reasons,
      ...stretch.judge({ incomplete, isInterrupted: false, allowed }),
    };
    totals = addStretch(totals, judged);
    // Of what has been judged only the span is kept.
    const { fromMs, toMs } = stretch;
    spans = spans.map((span) => (span === stretch ? { fromMs, toMs } : span));
    onJudged(judged);
  }

  async function judgeEnded(nowMs: number): Promise<void> {
    while (ended[0] !== undefined && nowMs >= ended[0].stretch.toMs + settledMs) {
      const { stretch, fromMs, incomplete, confirmed } = ended[0];
      await confirmed;
      ended.shift();
      const untilMs = startMs + stretch.toMs;
      const events = target.events.filter(({ atMs }) => atMs <= untilMs);
      judge(stretch, toReplaced({ ...target, events, fromMs }), incomplete);
    }
  }

  /** @param isLast nothing is to come that they may be of */
  function judgeStrays(nowMs: number, isLast: boolean): void {
    for (;;) {
      const group = findStrayGroup(strays, spans, isLast ? Number.POSITIVE_INFINITY : nowMs);
      const [first] = group;
      if (first === undefined) return;
      strays = strays.slice(group.length);
      const lastMs = (group.at(-1) ?? first).intendedMs;
      judge(
        start({
          fromMs: first.intendedMs - LEAD_MS,
          beganMs: first.intendedMs,
          toMs: lastMs + LESS_THAN_NEXT_MS,
        }),
        [],
        null,
      );
    }
  }

  return {
    health,
    get totals() {
      return totals;
    },
    outcomes,
    get isQuiet() {
      return open === null && ended.length === 0;
    },
    begin(sceneMs, epochMs) {
      startMs = sceneMs;
      startedAtMs = epochMs;
      seenMs = sceneMs;
    },
    add(settlement) {
      const { outcome } = settlement;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      health.add(settlement);
      recent.add(settlement);
      const all = stretches();
      for (const stretch of all) stretch.add(settlement);
      if (isLost(outcome) && !all.some((stretch) => isOf(settlement, stretch))) insert(strays, settlement);
    },
    addConnection(end) {
      recent.addConnection(end);
      for (const stretch of stretches()) stretch.addConnection(end);
    },
    async look(nowMs) {
      const sinceMs = seenMs;
      seenMs = startMs + nowMs;
      see(toIncidents(target.events, sinceMs));
      settle(nowMs);
      await judgeEnded(nowMs);
      judgeStrays(nowMs, false);
      const oldest = stretches()[0]?.fromMs ?? nowMs;
      const pastMs = Math.min(oldest, nowMs - HOLD_MS - GROUP_MS) - LEAD_MS;
      spans = spans.filter(({ toMs }) => toMs >= pastMs);
      target.forget(startMs + pastMs);
    },
    async finish(nowMs) {
      see(toIncidents(target.events, seenMs));
      close(nowMs, 'the observation ended before it was over');
      await judgeEnded(Number.POSITIVE_INFINITY);
      judgeStrays(nowMs, true);
    },
  };
}

function isOf({ intendedMs }: Settlement, { fromMs, toMs }: LoadStretch): boolean {
  return intendedMs >= fromMs && intendedMs < toMs;
}

/** In the order in which they were due: nearly always the last. */
function insert(settlements: Settlement[], settlement: Settlement): void {
  const after = settlements.findLastIndex(({ intendedMs }) => intendedMs <= settlement.intendedMs);
  settlements.splice(after + 1, 0, settlement);
}

/**
 * The first losses that lie together and are of no replacement; empty: there are none yet. Pure.
 * @param strays in the order in which they were due
 * @param spans those of stretches, of which none of them is
 * @param nowMs Infinity: nothing is to come
 */
export function findStrayGroup(
  strays: readonly Settlement[],
  spans: readonly StretchSpan[],
  nowMs: number,
): readonly Settlement[] {
  const [first] = strays;
  if (first === undefined || nowMs - first.intendedMs < HOLD_MS) return [];
  const nextMs = Math.min(...spans.map(({ fromMs }) => fromMs).filter((fromMs) => fromMs > first.intendedMs));
  const end = strays.findIndex(({ intendedMs }, index) => {
    const gapMs = intendedMs - (strays[index - 1] ?? first).intendedMs;
    return gapMs > LEAD_MS || intendedMs - first.intendedMs > GROUP_MS || intendedMs >= nextMs;
  });
  const group = end === -1 ? strays : strays.slice(0, end);
  const isOver = end !== -1 || nowMs - (group.at(-1) ?? first).intendedMs > LEAD_MS;
  return isOver ? group : [];
}
