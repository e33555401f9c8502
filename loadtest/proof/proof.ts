import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';
import { countOwnFailures } from '../load/evidence.ts';
import { createFailureCollector } from '../load/failures.ts';
import { createLateSecondCollector } from '../load/lag.ts';
import { type Load, type LoadSpec, startLoad, toLongestTimeoutMs } from '../load/load.ts';
import { countOutcomes } from '../load/record.ts';
import type { Snapshot } from '../load/recorder.ts';
import type { Requirement } from '../report/requirement.ts';
import type { HazardId } from './hazard.ts';
import { createHealth } from './health.ts';
import { judgeObservation, type Proof } from './judgement.ts';
import { createPodConnections } from './pod-connections.ts';
import { createPodResponses } from './pod-responses.ts';
import type { Progress } from './progress.ts';
import { PROOF_PHASES } from './proof-load.ts';
import type { Removal } from './safeguard.ts';
import { type ConnectionTrace, type Disruption, type Mark, type Scene, withLeftBehind } from './scene.ts';
import { createServiceTimes } from './service-times.ts';
import { createSuccesses } from './successes.ts';
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

/** Failures kept for judgement, per outcome; all are counted. */
const MAX_FAILURES_PER_OUTCOME = 100_000;
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
  const podOf = (settlement: Settlement) => {
    const trace = toTrace(settlement, startMs);
    return trace === null ? null : scene.podOf(trace);
  };
  const collectors = createCollectors(spec, podOf);
  const connections = createPodConnections((end) => scene.podOf(toEndTrace(end, startMs)));
  /**
   * By what the scene calls the pod, whatever of it a response tells.
   * @param atMs when the pod was there: by the end, another one may have its name
   */
  const named = <T extends { readonly pod: string | null }>(told: T, atMs: number): T => {
    const pod = told.pod === null ? null : scene.podNamed(told.pod, startMs + atMs);
    return pod === null || pod === told.pod ? told : { ...told, pod };
  };
  const marks: Mark[] = [];
  const allMarks = () =>
    [...marks, ...scene.marks.map(({ atMs, text }) => ({ atMs: atMs - startMs, text }))].sort(
      (a, b) => a.atMs - b.atMs,
    );
  let latest: Snapshot | null = null;
  const tell = () => latest !== null && show(toProgress(latest, allMarks(), signal.aborted));

  const load = await startLoad(spec, {
    collectors: [
      {
        add(settlement) {
          const told = named(settlement, settlement.sentMs ?? settlement.endMs);
          for (const collector of Object.values(collectors)) collector.add(told);
        },
      },
    ],
    connectionCollectors: [
      { addConnection: (end) => connections.addConnection(named(end, end.endMs - (end.idleMs ?? 0))) },
    ],
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
    const course = await disrupt(options, spec, { load, scene, collectors, marks }, signal);
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
  const { failures, responses, serviceTimes, successes, lateSeconds } = collectors;
  return judgeObservation({
    ...observed,
    disruption: options.disruption,
    without: options.without,
    target: `${scene.name} at ${scene.url.href}`,
    startedAt,
    endpoints: spec.plan.endpoints.map(({ name }) => name),
    marks: allMarks(),
    timelines: [...toPodTimelines(seen.map((event) => ({ ...event, atMs: event.atMs - startMs }))).values()],
    failures: failures.list(),
    podOf,
    isTarget: scene.isTarget,
    responses,
    serviceTimes,
    successes,
    connections,
    deadlineMs: toLongestTimeoutMs(spec),
    allowed: options.allowed,
    lateSeconds: lateSeconds.list(),
    slackMs: scene.slackMs,
    watchGaps: scene.gaps,
    isInterrupted: signal.aborted,
    requirements: options.requirements,
    leftBehind,
  });
}

/** @param startMs of the load, on the scene's clock */
function toTrace({ connection, sentMs, endMs }: Settlement, startMs: number): ConnectionTrace | null {
  if (connection === null) return null;
  const { localPort, remoteAddress, setupMs, ageMs } = connection;
  // Whoever has the address or the port later on was not reached by it.
  const openedMs = sentMs === null ? endMs - setupMs : sentMs - ageMs;
  return { localPort, remoteAddress, openedMs: startMs + openedMs, atMs: startMs + endMs };
}

function toEndTrace(
  { localPort, remoteAddress, openedMs, endMs }: ConnectionEnd,
  startMs: number,
): ConnectionTrace {
  return { localPort, remoteAddress, openedMs: startMs + openedMs, atMs: startMs + endMs };
}

/** The observers of a proof's settlements. */
function createCollectors(spec: LoadSpec, podOf: (settlement: Settlement) => string | null) {
  return {
    health: createHealth(spec.plan.endpoints),
    failures: createFailureCollector(MAX_FAILURES_PER_OUTCOME),
    responses: createPodResponses((settlement) => podOf(settlement) ?? settlement.pod),
    serviceTimes: createServiceTimes(),
    successes: createSuccesses(),
    lateSeconds: createLateSecondCollector(),
  };
}

interface UnderLoad {
  readonly load: Load;
  readonly scene: Scene;
  readonly collectors: ReturnType<typeof createCollectors>;
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
  { load, scene, collectors, marks }: UnderLoad,
  signal: AbortSignal,
): Promise<{ beganMs: number; incomplete: string | null }> {
  const { health } = collectors;
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
