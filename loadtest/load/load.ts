import type { Collector, ConnectionCollector } from './collector.ts';
import type { Failure } from './failures.ts';
import {
  type FromLoadWorker,
  type LinkHooks,
  type LoadLink,
  startWorker,
  type ToLoadWorker,
} from './load-link.ts';
import type { LoadResult, LoadSpec } from './load-spec.ts';
import { createSight, mergeResults, mergeSnapshots, type Sight, toPart } from './parts.ts';
import type { Phase } from './phases.ts';
import type { Snapshot } from './recorder.ts';
import { openRemoteWorker } from './remote-worker.ts';
import { toSharedNowMs } from './shared-clock.ts';

/** A load that runs in a thread of its own, so that nothing on this one can delay it. */
export interface Load {
  /** Ms since the load began, the clock of its settlements; negative before. */
  nowMs(): number;
  readonly result: Promise<LoadResult>;
  /** Starts a phase with the requests due from its time on. */
  startPhase(phase: Phase): void;
  /** Ends the plan now; `result` comes when all open requests are settled. */
  end(): void;
  /** Settles what is open at once; `result` then comes. */
  stop(): void;
}

export interface LoadHooks {
  /** Shown every settlement, within a tenth of a second of it. None: the settlements stay in the worker. */
  readonly collectors?: readonly Collector[];
  /** Shown every connection that ended, with the settlements. */
  readonly connectionCollectors?: readonly ConnectionCollector[];
  /** Told where the load stands, some times a second. */
  onSnapshot(snapshot: Snapshot): void;
  /** Told what its user should know while it goes on. */
  onNotice?(text: string): void;
}

/** Time for all senders to have their part of the load before its first request is due. */
const LEAD_OF_SENDERS_MS = 3_000;

/**
 * Resolves once the load is about to begin. With senders, each sends its part of the one plan; what they measure is
 * merged exactly, on the clock of this process.
 * @throws {Fault} where a sender does not answer
 */
export async function startLoad(spec: LoadSpec, hooks: LoadHooks): Promise<Load> {
  const { collectors = [], connectionCollectors = [] } = hooks;
  const isStreamed = collectors.length + connectionCollectors.length > 0;
  if (spec.senders.length === 0) {
    return startParts(
      spec,
      [{ toHereMs: (ms) => ms, sight: null, start: (own) => startWorker({ ...spec, isStreamed }, own) }],
      hooks,
    );
  }
  const opened = await Promise.allSettled(spec.senders.map(openRemoteWorker));
  const workers = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const refused = opened.find((each) => each.status === 'rejected');
  if (refused !== undefined) {
    for (const worker of workers) worker.close();
    throw refused.reason;
  }
  const startAtMs =
    spec.startAtEpochMs === null
      ? toSharedNowMs() + LEAD_OF_SENDERS_MS
      : toSharedNowMs() + (spec.startAtEpochMs - Date.now());
  const parts = workers.map((worker, index): Part => {
    const own = { ...toPart(spec, index), isStreamed };
    return {
      toHereMs: worker.toHereMs,
      sight: createSight(spec.senders[index]?.from ?? '', index),
      start: (linkHooks) => worker.start(own, startAtMs, linkHooks),
    };
  });
  return startParts(spec, parts, hooks);
}

/** A part of a load, and how what it tells is read here. */
interface Part {
  start(hooks: LinkHooks): LoadLink;
  /** From its clock to that of this process. */
  toHereMs(thereMs: number): number;
  /** Null: what it tells needs no change. */
  readonly sight: Sight | null;
}

function startParts(spec: LoadSpec, parts: readonly Part[], hooks: LoadHooks): Promise<Load> {
  const { collectors = [], connectionCollectors = [] } = hooks;
  const snapshots = new Map<Part, Snapshot>();
  /** On the clock of each part. */
  const startsThereMs = new Map<Part, number>();
  const toStartMs = (part: Part) => part.toHereMs(startsThereMs.get(part) ?? 0);
  /** Of the load, on the clock of this process. */
  let startMs = 0;
  // Clocks drift apart: what is known now counts.
  const toLaterMs = (part: Part) => (part.sight === null ? 0 : toStartMs(part) - startMs);
  const results = new Map<Part, LoadResult>();
  return new Promise<Load>((resolve, reject) => {
    let finish: (result: LoadResult) => void = () => {};
    let fail: (error: Error) => void = reject;
    const result = new Promise<LoadResult>((resolveResult, rejectResult) => {
      finish = resolveResult;
      fail = rejectResult;
    });
    // Also what is thrown before it has begun; and its rejection reaches whoever awaits it later, too.
    result.catch(reject);

    function onMessage(part: Part, message: FromLoadWorker): void {
      if (message.kind === 'ready') {
        startsThereMs.set(part, message.startAtMs);
        if (startsThereMs.size < parts.length) return;
        startMs = Math.min(...parts.map(toStartMs));
        resolve(toLoad(links, result, startMs));
      } else if (message.kind === 'snapshot') {
        snapshots.set(part, message.snapshot);
        hooks.onSnapshot(mergeSnapshots([...snapshots.values()]));
        // Counted once: until the next one, nothing more was settled there.
        snapshots.set(part, { ...message.snapshot, recentSettled: 0 });
      } else if (message.kind === 'notice') hooks.onNotice?.(message.text);
      else if (message.kind === 'finished') {
        const { sight } = part;
        const laterMs = toLaterMs(part);
        const toSeen = (failure: Failure) =>
          sight === null ? failure : { ...failure, ...sight.ofSettlement(failure, laterMs) };
        results.set(part, { ...message.result, failures: message.result.failures.map(toSeen) });
        if (results.size === parts.length) {
          finish(
            mergeResults(
              parts.flatMap((each) => results.get(each) ?? []),
              spec.failuresPerOutcome,
            ),
          );
          for (const link of links) link.close();
        }
      } else {
        const laterMs = toLaterMs(part);
        for (const settlement of message.settlements) {
          const seen = part.sight === null ? settlement : part.sight.ofSettlement(settlement, laterMs);
          for (const each of collectors) each.add(seen);
        }
        for (const end of message.connections) {
          const seen = part.sight === null ? end : part.sight.ofConnection(end, laterMs);
          for (const each of connectionCollectors) each.addConnection(seen);
        }
      }
    }
    const links = parts.map((part) =>
      part.start({
        onMessage: (message) => onMessage(part, message),
        // One that has told its result may go.
        onEnd: (error) => {
          if (results.has(part)) return;
          fail(error);
          for (const link of links) link.close();
        },
      }),
    );
  });
}

function toLoad(links: readonly LoadLink[], result: Promise<LoadResult>, startAtMs: number): Load {
  const nowMs = () => toSharedNowMs() - startAtMs;
  const tell = (message: ToLoadWorker) => {
    for (const link of links) link.tell(message);
  };
  return {
    nowMs,
    result,
    startPhase: (phase) => tell({ kind: 'phase', phase }),
    end: () => tell({ kind: 'end', atMs: nowMs() }),
    stop: () => tell({ kind: 'stop' }),
  };
}
