import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { countOwnFailures, isOwnFailure } from '../load/evidence.ts';
import { createTally, type Slot, type Tally } from '../load/tally.ts';
import { startWitness, type WitnessSpec } from '../load/witness.ts';
import { type Evidence, type Loss, toLoss } from './attribution.ts';
import { CAUSES, type CauseId } from './cause.ts';
import type { Progress } from './progress.ts';
import type { Removal } from './safeguard.ts';
import { type Disruption, type Mark, type Scene, withLeftBehind } from './scene.ts';
import { isWithin, type PodEvent, type PodTimeline, type Span, toPodTimelines } from './timeline.ts';
import { toVerdict, type Verdict } from './verdict.ts';

/** One disruption under load, and what it comes to. Times are ms since the load began. */
export interface Proof {
  readonly disruption: Disruption;
  /** The safeguards that were taken away; none: this is the proof itself. */
  readonly without: readonly Removal[];
  readonly target: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly endpoints: readonly string[];
  readonly planned: number;
  readonly ok: number;
  readonly lost: number;
  /** What failed because the load itself was late, was stopped, or could not send; no part of `lost`. */
  readonly givenUp: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** 99 % of the requests went out no later than so much after their time. */
  readonly lagP99Ms: number;
  /** Losses by cause, all of them. */
  readonly causes: Readonly<Partial<Record<CauseId, number>>>;
  /** In the order they ended; all that were kept to be judged. */
  readonly losses: readonly Loss[];
  readonly marks: readonly Mark[];
  readonly timelines: readonly PodTimeline[];
  readonly slots: readonly Slot[];
  /** What was done to the target and could not be taken back. */
  readonly leftBehind: readonly string[];
  readonly verdict: Verdict;
}

export interface ProofOptions {
  readonly disruption: Disruption;
  readonly without: readonly Removal[];
  /** Load before the disruption, and after the target is quiet again. */
  readonly baselineMs: number;
  readonly tailMs: number;
}

/** A pod that was an endpoint for less may have had no request. */
const MIN_REACHABLE_MS = 1_500;
const PROGRESS_MS = 250;
const POLL_MS = 50;

/**
 * Puts the scene under load, disrupts it, waits for quiet, and judges. The scene is closed on every path.
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
  const witness = await startWitness(spec, tally.add).catch(async (error: Error) => {
    throw withLeftBehind(error, await scene.close());
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
  // Some times a second: how late the load is takes a sort of all its lags, and waits for the end.
  const toOwnSoFar = () => countOwnFailures(tally.outcomes, { lagP99Ms: 0, isInterrupted: signal.aborted });
  const tell = () =>
    show({
      elapsedMs: witness.nowMs(),
      settled: tally.settled,
      lost: tally.lost - toOwnSoFar(),
      marks: allMarks(),
    });
  const telling = setInterval(tell, PROGRESS_MS);

  async function disrupt(): Promise<string | null> {
    try {
      await sleep(options.baselineMs - witness.nowMs(), undefined, { signal });
      const lame = await awaitHealth();
      if (lame !== null) return `${lame} before the ${options.disruption}, which was left out`;
      beganMs = witness.nowMs();
      marks.push({ atMs: beganMs, text: `${options.disruption} begins` });
      await scene.disrupt(signal);
      marks.push({ atMs: witness.nowMs(), text: 'quiet again' });
      await sleep(options.tailMs, undefined, { signal });
      return null;
    } catch (error) {
      return signal.aborted ? null : `the ${options.disruption} did not end: ${(error as Error).message}`;
    }
  }

  /**
   * A target is not disrupted before it has served: what it lacks cannot be blamed on the disruption. Each endpoint
   * has until the first request to it must have ended.
   */
  async function awaitHealth(): Promise<string | null> {
    const endMs = witness.nowMs() + spec.engine.timeoutMs;
    const isServing = () => spec.plan.endpoints.every((_, index) => tally.outcomesOf(index).ok !== undefined);
    while (!isServing() && witness.nowMs() <= endMs) await sleep(POLL_MS, undefined, { signal });
    return toLame(spec.plan.endpoints, tally);
  }

  async function watchToTheEnd() {
    const incomplete = await disrupt();
    witness.end();
    const summary = await witness.summary;
    const durationMs = witness.nowMs();
    await scene.confirm();
    // What the scene's end does to the pods is no part of it.
    return { incomplete, summary, durationMs, seen: [...scene.events] };
  }

  const watched = await watchToTheEnd().then(
    (value) => ({ value, fault: null }),
    (fault: Error) => ({ value: null, fault }),
  );
  clearInterval(telling);
  tell();
  signal.removeEventListener('abort', abort);
  witness.abort();
  const leftBehind = await scene.close();
  if (watched.value === null) throw withLeftBehind(watched.fault, leftBehind);

  const { incomplete, summary, durationMs, seen } = watched.value;
  const timelines = toPodTimelines(seen.map((event): PodEvent => ({ ...event, atMs: event.atMs - startMs })));
  const wayOf = (settlement: Settlement) => scene.podOf(settlement, startMs);
  const pods = [...timelines.values()];
  const conduct = { lagP99Ms: tally.lagP99Ms, isInterrupted: signal.aborted };
  const givenUp = countOwnFailures(tally.outcomes, conduct);
  const lost = tally.lost - givenUp;
  const losses = judgeAll(
    tally.losses.filter(({ outcome }) => !isOwnFailure(outcome, conduct)),
    tally,
    { timelines, podOf: wayOf, scene },
  );
  return {
    disruption: options.disruption,
    without: options.without,
    target: `${scene.name} at ${scene.url.href}`,
    startedAt: startedAt.toISOString(),
    durationMs,
    endpoints: spec.plan.endpoints.map(({ name }) => name),
    planned: summary.planned,
    ok: tally.ok,
    lost,
    givenUp,
    outcomes: tally.outcomes,
    lagP99Ms: tally.lagP99Ms,
    causes: countCauses(losses, lost),
    losses,
    marks: allMarks(),
    timelines: pods,
    slots: tally.slots,
    leftBehind,
    verdict: toVerdict({
      planned: summary.planned,
      ok: tally.ok,
      lost,
      givenUp,
      lostBefore:
        beganMs === Number.POSITIVE_INFINITY
          ? lost
          : losses.filter(({ settlement }) => settlement.endMs < beganMs).length,
      isLedgerClosed: summary.ledgerFault === null && summary.planned === tally.settled,
      lagP99Ms: tally.lagP99Ms,
      lateSeconds: tally.lateSeconds.filter((second) => second >= Math.floor(beganMs / 1_000)),
      watchGaps: scene.gaps,
      isInterrupted: signal.aborted,
      incomplete: incomplete ?? toUndisrupted(options.disruption, pods, beganMs),
      unseen: toUnseen(tally, pods),
      leftBehind,
    }),
  };
}

/**
 * Why the target was not disrupted, whatever was done to it; null: it was. Pods that served when it began must have
 * been told to end: each in a rollout, at least one otherwise. Pods of another Deployment, which the Service may lead
 * to as well, count for nothing. What a command of `run` is to do is not known, but some pod has to show that it did.
 */
export function toUndisrupted(
  disruption: Disruption,
  timelines: readonly PodTimeline[],
  beganMs: number,
): string | null {
  if (beganMs === Number.POSITIVE_INFINITY) return null;
  if (disruption === 'run') {
    return timelines.some((timeline) => timeline.scheduledMs !== null && isTouched(timeline, beganMs))
      ? null
      : 'no pod was seen to change, so that the command of --do has disrupted something else, or nothing';
  }
  const endMsOf = ({ terminatingMs, goneMs }: PodTimeline) => terminatingMs ?? goneMs;
  const served = timelines.filter(
    (timeline) => timeline.scheduledMs !== null && timeline.endpoint.length > 0,
  );
  const ended = served.filter((timeline) => (endMsOf(timeline) ?? Number.NEGATIVE_INFINITY) >= beganMs);
  if (ended.length === 0) return 'no pod that served was ended';
  if (disruption !== 'rollout') return null;
  const old = served.filter((timeline) => isWithin(timeline.endpoint, beganMs));
  const left = old.filter((timeline) => !ended.includes(timeline));
  return left.length === 0 ? null : `not replaced: ${left.map(({ pod }) => pod).join(', ')}`;
}

/** Why the target is not fit to be disrupted: endpoints that have answered, and never ok; null: it is. */
export function toLame(
  endpoints: readonly { readonly name: string }[],
  { ok, outcomesOf }: Pick<Tally, 'ok' | 'outcomesOf'>,
): string | null {
  const lame = endpoints.flatMap(({ name }, index) => {
    const outcomes = Object.entries(outcomesOf(index));
    if (outcomes.length === 0 || outcomesOf(index).ok !== undefined) return [];
    return [`${name} was never ok (${outcomes.map(([outcome, count]) => `${count} ${outcome}`).join(', ')})`];
  });
  if (lame.length > 0) return lame.join(', ');
  return ok === 0 ? 'no request was ok' : null;
}

function judgeAll(
  settlements: readonly Settlement[],
  tally: Tally,
  {
    timelines,
    podOf,
    scene,
  }: { timelines: ReadonlyMap<string, PodTimeline>; podOf: Evidence['podOf']; scene: Scene },
): Loss[] {
  const evidence: Evidence = {
    timelines,
    podOf,
    isNamed: [...timelines.keys()].some((pod) => tally.answered.has(pod)),
    firstOkMs: tally.firstOkMs,
    slackMs: scene.slackMs,
    usualMs: tally.usualMs,
  };
  return settlements
    .map((settlement) => toLoss(settlement, evidence))
    .sort((a, b) => a.settlement.endMs - b.settlement.endMs);
}

/** Losses that were not kept to be judged have no cause. */
function countCauses(losses: readonly Loss[], lost: number): Partial<Record<CauseId, number>> {
  const counts: Partial<Record<CauseId, number>> = {};
  for (const { cause } of losses) counts[cause] = (counts[cause] ?? 0) + 1;
  if (lost > losses.length) counts.unknown = (counts.unknown ?? 0) + lost - losses.length;
  const order = Object.keys(CAUSES) as CauseId[];
  return Object.fromEntries(
    order.flatMap((cause) => (counts[cause] === undefined ? [] : [[cause, counts[cause]]])),
  );
}

/** Did anything happen to it after that? */
function isTouched(timeline: PodTimeline, afterMs: number): boolean {
  const { scheduledMs, startedMs, terminatingMs, exit, nodeLostMs, goneMs, ready, endpoint } = timeline;
  return [
    ...[scheduledMs, startedMs, terminatingMs, exit?.atMs ?? null, nodeLostMs, goneMs],
    ...[...ready, ...endpoint].flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
  ].some((ms) => ms !== null && ms >= afterMs);
}

/**
 * Every pod that was an endpoint long enough must have answered. Where answers name no pod at all, there must be ok
 * answers from before the first change and from after the last: those came from old and new pods. Answers that name
 * only others came from somewhere else.
 */
export function toUnseen(
  tally: Pick<Tally, 'answered' | 'okSpan'>,
  timelines: readonly PodTimeline[],
): string[] {
  const { answered, okSpan } = tally;
  if (timelines.some(({ pod }) => answered.has(pod))) {
    return timelines
      .filter(({ pod, endpoint }) => !answered.has(pod) && endpoint.some(isLong))
      .map(({ pod }) => `no response came from ${pod}`);
  }
  const [foreign] = answered.keys();
  if (foreign !== undefined) {
    return [`the responses name no pod of this target, but others, as ${foreign} (--pod-header)`];
  }
  const changes = timelines.flatMap(({ endpoint, goneMs }) => [
    ...endpoint.flatMap(({ fromMs, toMs }) => [fromMs, ...(toMs === null ? [] : [toMs])]),
    ...(goneMs === null ? [] : [goneMs]),
  ]);
  const during = changes.filter((ms) => ms > 0);
  if (okSpan === null) return ['no response was ok'];
  if (during.length === 0) return ['no pod was seen to change'];
  return [
    ...(okSpan.firstMs < Math.min(...during) ? [] : ['no ok response came before the first change']),
    ...(okSpan.lastMs > Math.max(...during) ? [] : ['no ok response came after the last change']),
  ];
}

function isLong({ fromMs, toMs }: Span): boolean {
  return (toMs ?? Number.POSITIVE_INFINITY) - Math.max(0, fromMs) >= MIN_REACHABLE_MS;
}
