import { setTimeout as sleep } from 'node:timers/promises';
import { countOwnFailures } from '../load/evidence.ts';
import { type Load, startLoad } from '../load/load.ts';
import { type LoadSpec, toLongestTimeoutMs } from '../load/load-spec.ts';
import { countOutcomes } from '../load/record.ts';
import type { Snapshot } from '../load/recorder.ts';
import type { Requirement } from '../report/requirement.ts';
import type { HazardId } from './hazard.ts';
import type { Health } from './health.ts';
import { judgeProof, type Proof } from './judgement.ts';
import type { Progress } from './progress.ts';
import { PROOF_PHASES } from './proof-load.ts';
import type { Removal } from './safeguard.ts';
import { type Disruption, type Mark, type Scene, withLeftBehind } from './scene.ts';
import { createSightings } from './sightings.ts';
import { toPodTimelines } from './timeline.ts';

export interface ProofOptions {
  readonly disruption: Disruption;
  readonly without: readonly Removal[];
  /** Load before the disruption, and after the target is quiet again. */
  readonly baselineMs: number;
  readonly tailMs: number;
  /** Hazards that do not count. */
  readonly allowed: readonly HazardId[];
  /** What must hold besides losing nothing. */
  readonly requirements: readonly Requirement[];
}

const POLL_MS = 50;

/**
 * Puts the scene under load, disrupts it, waits for quiet, and judges. The scene is closed on every path.
 *
 * @param show called several times a second with the progress so far
 */
export async function carryOut(
  options: ProofOptions,
  spec: LoadSpec,
  scene: Scene,
  signal: AbortSignal,
  show: (progress: Progress) => void,
): Promise<Proof> {
  const startedAt = new Date().toISOString();
  let startMs = 0;
  const sightings = createSightings(spec.plan.endpoints, scene, (loadMs) => startMs + loadMs);
  const marks: Mark[] = [];
  const allMarks = () =>
    [...marks, ...scene.marks.map(({ atMs, text }) => ({ atMs: atMs - startMs, text }))].sort(
      (a, b) => a.atMs - b.atMs,
    );
  let latest: Snapshot | null = null;
  const tell = () => latest !== null && show(toProgress(latest, allMarks(), signal.aborted));

  const load = await startLoad(spec, {
    collectors: [sightings],
    connectionCollectors: [sightings],
    onSnapshot(snapshot) {
      latest = snapshot;
      tell();
    },
    onNotice: (text) => marks.push({ atMs: load.nowMs(), text }),
  }).catch(async (error: Error) => {
    throw withLeftBehind(error, await scene.close());
  });
  startMs = performance.now() - load.nowMs();
  const stop = () => load.stop();
  signal.addEventListener('abort', stop);

  async function watchToTheEnd() {
    const course = await disrupt(options, spec, { load, scene, health: sightings.health, marks }, signal);
    load.end();
    const result = await load.result;
    const durationMs = load.nowMs();
    await scene.confirm();
    // What closing the scene does to the pods is not part of the proof.
    return { ...course, load: result, durationMs, seen: [...scene.events] };
  }

  const watched = await watchToTheEnd().then(
    (value) => ({ value, fault: null }),
    (fault: Error) => ({ value: null, fault }),
  );
  tell();
  signal.removeEventListener('abort', stop);
  load.stop();
  const leftBehind = await scene.close();
  if (watched.value === null) throw withLeftBehind(watched.fault, leftBehind);

  const { seen, ...observed } = watched.value;
  return judgeProof({
    ...observed,
    ...sightings.toEvidence(),
    disruption: options.disruption,
    without: options.without,
    target: `${scene.name} at ${scene.url.href}`,
    startedAt,
    endpoints: spec.plan.endpoints.map(({ name }) => name),
    marks: allMarks(),
    timelines: [...toPodTimelines(seen.map((event) => ({ ...event, atMs: event.atMs - startMs }))).values()],
    isTarget: scene.isTarget,
    deadlineMs: toLongestTimeoutMs(spec),
    allowed: options.allowed,
    slackMs: scene.slackMs,
    surgeAdvice: scene.surgeAdvice,
    watchGaps: scene.gaps,
    isInterrupted: signal.aborted,
    requirements: options.requirements,
    leftBehind,
  });
}

interface UnderLoad {
  readonly load: Load;
  readonly scene: Scene;
  readonly health: Health;
  /** To be added to. */
  readonly marks: Mark[];
}

/**
 * Runs from the first request until the target has been quiet for the tail. Returns when the disruption began, and
 * what cut it short.
 */
async function disrupt(
  { disruption, baselineMs, tailMs }: ProofOptions,
  spec: LoadSpec,
  { load, scene, health, marks }: UnderLoad,
  signal: AbortSignal,
): Promise<{ beganMs: number; incomplete: string | null }> {
  const [, during, after] = PROOF_PHASES;
  let beganMs = Number.POSITIVE_INFINITY;

  function enter(phase: string, text: string): number {
    const atMs = load.nowMs();
    marks.push({ atMs, text });
    load.startPhase({ name: phase, fromMs: atMs });
    return atMs;
  }

  /** Each endpoint gets as long as its first request may take. */
  async function awaitHealth(): Promise<string | null> {
    const endMs = load.nowMs() + toLongestTimeoutMs(spec);
    while (!health.isServing() && load.nowMs() <= endMs) await sleep(POLL_MS, undefined, { signal });
    return health.fault();
  }

  try {
    await sleep(baselineMs - load.nowMs(), undefined, { signal });
    const fault = await awaitHealth();
    if (fault !== null) {
      return { beganMs, incomplete: `${fault} before the ${disruption}, which was skipped` };
    }
    beganMs = enter(during, `${disruption} begins`);
    await scene.disrupt(signal);
    enter(after, 'quiet again');
    await sleep(tailMs, undefined, { signal });
    return { beganMs, incomplete: null };
  } catch (error) {
    const incomplete = signal.aborted ? null : `the ${disruption} did not end: ${(error as Error).message}`;
    return { beganMs, incomplete };
  }
}

/** How late the load is shows only at its end: until then, only what is never the target's fault is left out. */
function toProgress(
  { elapsedMs, outcomes }: Snapshot,
  marks: readonly Mark[],
  isInterrupted: boolean,
): Progress {
  const { total, lost } = countOutcomes(outcomes);
  const own = countOwnFailures(outcomes, { lagP99Ms: 0, isInterrupted });
  return { elapsedMs, settled: total, lost: lost - own, marks };
}
