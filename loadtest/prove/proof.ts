import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../outcome.ts';
import type { Settlement } from '../settlement.ts';
import { type Evidence, type Loss, toLoss } from './attribution.ts';
import { CAUSES, type CauseId } from './cause.ts';
import type { ControlId } from './control.ts';
import type { Progress } from './progress.ts';
import type { Disturbance, Mark, Scene } from './scene.ts';
import { createTally, type Slot, type Tally } from './tally.ts';
import { type PodEvent, type PodLife, type Span, toLives } from './timeline.ts';
import { toVerdict, type Verdict } from './verdict.ts';
import { startWitness, type WitnessSpec, type WitnessSummary } from './witness.ts';

/** One disturbance under load, and what it comes to. Times are ms since the load began. */
export interface Proof {
  readonly disturbance: Disturbance;
  /** The safeguards that were taken away; none: this is the proof itself. */
  readonly without: readonly ControlId[];
  readonly target: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly endpoints: readonly string[];
  readonly planned: number;
  readonly ok: number;
  readonly lost: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** 99 % of the requests went out no later than so much after their time. */
  readonly lagP99Ms: number;
  /** Losses by cause, all of them. */
  readonly causes: Readonly<Partial<Record<CauseId, number>>>;
  /** In the order they ended: the first of them where there are very many. */
  readonly losses: readonly Loss[];
  readonly marks: readonly Mark[];
  readonly lives: readonly PodLife[];
  readonly slots: readonly Slot[];
  /** What was done to the target and could not be taken back. */
  readonly leftBehind: readonly string[];
  readonly verdict: Verdict;
}

export interface ProofOptions {
  readonly disturbance: Disturbance;
  readonly without: readonly ControlId[];
  /** Load before the disturbance, and after the target is quiet again. */
  readonly baselineMs: number;
  readonly tailMs: number;
}

/** A pod that was an endpoint for less may have had no request. */
const MIN_REACHABLE_MS = 1_500;
const PROGRESS_MS = 250;

/**
 * Puts the scene under load, disturbs it, waits for quiet, and judges. The scene is closed on every path.
 *
 * @param show told some times a second how far it has come
 */
export async function carryOut(
  options: ProofOptions,
  spec: WitnessSpec,
  scene: Scene,
  signal: AbortSignal,
  show: (progress: Progress) => void,
): Promise<Proof> {
  const startedAt = new Date();
  const podOf = (settlement: Settlement) => scene.podOf(settlement, startMs) ?? settlement.pod;
  const tally = createTally(podOf);
  let startMs = 0;
  const witness = await startWitness(spec, tally.add).catch(async (error) => {
    await scene.close();
    throw error;
  });
  startMs = performance.now() - witness.nowMs();
  const abort = () => witness.abort();
  signal.addEventListener('abort', abort);
  const marks: Mark[] = [];
  let beganMs = Number.POSITIVE_INFINITY;
  const allMarks = () =>
    [...marks, ...scene.marks.map(({ atMs, text }) => ({ atMs: atMs - startMs, text }))].sort(
      (a, b) => a.atMs - b.atMs,
    );
  const tell = () =>
    show({ elapsedMs: witness.nowMs(), settled: tally.settled, lost: tally.lost, marks: allMarks() });
  const telling = setInterval(tell, PROGRESS_MS);
  let incomplete: string | null = null;
  let summary: WitnessSummary;
  let seen: readonly PodEvent[] = [];
  let leftBehind: readonly string[] = [];
  try {
    try {
      await sleep(options.baselineMs - witness.nowMs(), undefined, { signal });
      beganMs = witness.nowMs();
      marks.push({ atMs: beganMs, text: `${options.disturbance} begins` });
      await scene.disturb(signal);
      marks.push({ atMs: witness.nowMs(), text: 'quiet again' });
      await sleep(options.tailMs, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) incomplete = `the ${options.disturbance} did not end: ${(error as Error).message}`;
    }
    witness.end();
    summary = await witness.summary;
    await scene.confirm();
    // What the scene's end does to the pods is no part of it.
    seen = [...scene.events];
  } finally {
    clearInterval(telling);
    tell();
    signal.removeEventListener('abort', abort);
    witness.abort();
    leftBehind = await scene.close();
  }

  const durationMs = witness.nowMs();
  const events = seen.map((event): PodEvent => ({ ...event, atMs: event.atMs - startMs }));
  const lives = toLives(events);
  const losses = judgeAll(tally, { lives, podOf, scene }).filter(
    ({ settlement }) => !signal.aborted || !ABANDONED.includes(settlement.outcome),
  );
  return {
    disturbance: options.disturbance,
    without: options.without,
    target: `${scene.name} at ${scene.url.href}`,
    startedAt: startedAt.toISOString(),
    durationMs,
    endpoints: spec.plan.endpoints.map(({ name }) => name),
    planned: summary.planned,
    ok: tally.ok,
    lost: tally.lost,
    outcomes: tally.outcomes,
    lagP99Ms: tally.lagP99Ms,
    causes: countCauses(losses, tally.lost),
    losses,
    marks: allMarks(),
    lives: [...lives.values()],
    slots: tally.slots,
    leftBehind,
    verdict: toVerdict({
      planned: summary.planned,
      ok: tally.ok,
      lost: tally.lost,
      lostBefore: tally.losses.filter(({ endMs }) => endMs < beganMs).length,
      outcomes: tally.outcomes,
      isLedgerClosed: summary.ledgerFault === null && summary.planned === tally.settled,
      lagP99Ms: tally.lagP99Ms,
      watchGaps: scene.gaps,
      isInterrupted: signal.aborted,
      incomplete,
      unseen: toUnseen(tally, [...lives.values()]),
    }),
  };
}

/** What stopping the load does to the requests that are open. */
const ABANDONED: readonly Outcome[] = ['not_sent', 'unfinished'];

function judgeAll(
  tally: Tally,
  { lives, podOf, scene }: { lives: ReadonlyMap<string, PodLife>; podOf: Evidence['podOf']; scene: Scene },
): Loss[] {
  const evidence: Evidence = {
    lives,
    podOf,
    isNamed: [...lives.keys()].some((pod) => tally.answered.has(pod)),
    firstOkMs: tally.firstOkMs,
    slackMs: scene.slackMs,
    usualMs: tally.usualMs,
  };
  return tally.losses
    .map((settlement) => toLoss(settlement, evidence))
    .sort((a, b) => a.settlement.endMs - b.settlement.endMs);
}

/** Losses that were not kept in full have no cause. */
function countCauses(losses: readonly Loss[], lost: number): Partial<Record<CauseId, number>> {
  const counts: Partial<Record<CauseId, number>> = {};
  for (const { cause } of losses) counts[cause] = (counts[cause] ?? 0) + 1;
  if (lost > losses.length) counts.unknown = (counts.unknown ?? 0) + lost - losses.length;
  const order = Object.keys(CAUSES) as CauseId[];
  return Object.fromEntries(
    order.flatMap((cause) => (counts[cause] === undefined ? [] : [[cause, counts[cause]]])),
  );
}

/**
 * Every pod that was an endpoint long enough must have answered. Where answers name no pod that is in the watch,
 * there must be ok answers from before the first change and from after the last: those came from old and new pods.
 */
export function toUnseen(tally: Pick<Tally, 'answered' | 'okSpan'>, lives: readonly PodLife[]): string[] {
  const { answered, okSpan } = tally;
  if (lives.some(({ pod }) => answered.has(pod))) {
    return lives
      .filter(({ pod, endpoint }) => !answered.has(pod) && endpoint.some(isLong))
      .map(({ pod }) => `no answer came from ${pod}`);
  }
  const changes = lives.flatMap(({ endpoint, goneMs }) => [
    ...endpoint.flatMap(({ fromMs, toMs }) => [fromMs, ...(toMs === null ? [] : [toMs])]),
    ...(goneMs === null ? [] : [goneMs]),
  ]);
  const during = changes.filter((ms) => ms > 0);
  if (okSpan === null) return ['no answer was ok'];
  if (during.length === 0) return ['no pod was seen to change'];
  return [
    ...(okSpan.firstMs < Math.min(...during) ? [] : ['no ok answer came before the first change']),
    ...(okSpan.lastMs > Math.max(...during) ? [] : ['no ok answer came after the last change']),
  ];
}

function isLong({ fromMs, toMs }: Span): boolean {
  return (toMs ?? Number.POSITIVE_INFINITY) - Math.max(0, fromMs) >= MIN_REACHABLE_MS;
}
