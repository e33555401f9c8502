import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../cli/fault.ts';
import { type Load, startLoad } from '../load/load.ts';
import { type LoadSpec, toLongestTimeoutMs } from '../load/load-spec.ts';
import { ONE_SLOT_MS, type Snapshot } from '../load/recorder.ts';
import type { ProofVerdict } from '../proof/verdict.ts';
import type { ObservedTarget } from './observed-target.ts';
import { createStretches, type Stretches, type StretchOptions } from './stretches.ts';
import { countReplacements, type JudgedStretch, toObservationVerdict } from './totals.ts';

export interface ObserverOptions extends StretchOptions {
  /** Ms until it ends by itself; null: when it is told to. */
  readonly forMs: number | null;
  /** A disruption of the user's, after which it ends once quiet; null: none. */
  readonly run: ((signal: AbortSignal) => Promise<void>) | null;
  /** Load before `run`. */
  readonly baselineMs: number;
}

/** What is known of an observation at any time. */
export type ObservationTally = Pick<Stretches, 'totals' | 'outcomes' | 'isQuiet'>;

export interface ObserverHooks {
  /** Told once, before the first request is due; the tally grows from then on. */
  onBegin(tally: ObservationTally): void;
  /** Told of every replacement, and of losses outside of all, once judged. */
  onJudged(judged: JudgedStretch): void;
  onSnapshot(snapshot: Snapshot): void;
  /** Told what is worth a line. */
  tell(text: string): void;
}

const TICK_MS = 250;
/** A disruption shows within this. */
const SHOWS_MS = 5_000;

/** What an observation came to. */
export interface ObservationResult extends Pick<Stretches, 'totals' | 'outcomes'> {
  readonly durationMs: number;
  readonly verdict: ProofVerdict;
}

/**
 * Puts the target under load and judges each replacement of its pods, whoever caused it, and losses outside of all.
 * Ends when it is told to, or by itself: as the options say, or where the load breaks off. The target is closed on every
 * path.
 * @throws {Fault} where an endpoint is never ok at the start, or the load cannot be made
 */
export async function carryOutObservation(
  options: ObserverOptions,
  spec: LoadSpec,
  target: ObservedTarget,
  signal: AbortSignal,
  hooks: ObserverHooks,
): Promise<ObservationResult> {
  const stretches = createStretches(options, spec, target, hooks.onJudged);
  const load = await startLoad(
    { ...spec, slotMs: ONE_SLOT_MS },
    {
      collectors: [stretches],
      connectionCollectors: [stretches],
      onSnapshot: hooks.onSnapshot,
      onNotice: hooks.tell,
    },
  ).catch((error: Error) => {
    target.close();
    throw error;
  });
  try {
    const nowMs = load.nowMs();
    stretches.begin(performance.now() - nowMs, Date.now() - nowMs);
    hooks.onBegin(stretches);
    const broken = new AbortController();
    load.result.catch(() => broken.abort());
    const over = AbortSignal.any([signal, broken.signal]);
    const doubts = await untilEnd(options, toLongestTimeoutMs(spec), load, stretches, over, hooks.tell);
    load.end();
    const fault = await load.result.then(
      ({ ledgerFault }) => ledgerFault,
      (error: Error) => `the load broke off: ${error.message}`,
    );
    await stretches.finish(load.nowMs());
    if (fault !== null) doubts.push(fault);
    const { totals, outcomes } = stretches;
    return {
      totals,
      outcomes,
      durationMs: load.nowMs(),
      verdict: toObservationVerdict(totals, outcomes, doubts),
    };
  } finally {
    load.stop();
    target.close();
  }
}

/** Follows the target until it is time to end. Returns doubts about the whole. */
async function untilEnd(
  { forMs, run, baselineMs }: ObserverOptions,
  timeoutMs: number,
  load: Load,
  stretches: Stretches,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<string[]> {
  const doubts: string[] = [];
  let isServing = false;
  let running: Promise<void> | null = null;
  let ranMs = Number.POSITIVE_INFINITY;

  async function runOnce(): Promise<void> {
    tell('the command of --do begins');
    await run?.(signal).catch((error: Error) => {
      if (!signal.aborted) doubts.push(`the command of --do failed: ${error.message}`);
    });
    ranMs = load.nowMs();
  }

  while (!signal.aborted) {
    const nowMs = load.nowMs();
    if (!isServing && stretches.health.isServing()) {
      isServing = true;
      tell('every endpoint is ok');
    }
    if (!isServing && nowMs > timeoutMs) {
      const fault = stretches.health.fault();
      if (fault !== null) throw new Fault(fault, { exit: 'inconclusive' });
      isServing = true;
    }
    if (run !== null && running === null && isServing && nowMs >= baselineMs) running = runOnce();
    await stretches.look(nowMs);
    if (nowMs >= (forMs ?? Number.POSITIVE_INFINITY)) break;
    if (nowMs >= ranMs + SHOWS_MS && stretches.isQuiet) break;
    await sleep(TICK_MS, undefined, { signal }).catch(() => {});
  }
  await running;
  if (run !== null && !signal.aborted && countReplacements(stretches.totals) === 0) {
    doubts.push('no pod was replaced by the command of --do');
  }
  return doubts;
}
