import { setTimeout as sleep } from 'node:timers/promises';
import type { Dialer, Exchange } from './client.ts';

/** What is sent to a subject while it is observed, and what came of it. */
export interface ContractLoad {
  /** So far, in ms of `performance.now()`. */
  readonly seen: SeenExchanges;
  /** Adds the slow requests, and resolves when each of their clients has begun. They go on for as long as told. */
  startSlow(path: string, goesOn: () => boolean): Promise<void>;
  /** Resolves when nothing is under way any more, which is not before it is told to stop, or the subject has ended. */
  done(): Promise<void>;
}

export interface SeenExchanges {
  readonly ready: readonly Exchange[];
  readonly health: readonly Exchange[];
  readonly fresh: readonly Exchange[];
  readonly kept: readonly Exchange[];
  readonly slow: readonly Exchange[];
  /** When the server closed keep-alive connections without having announced it. */
  readonly closedIdleMs: readonly number[];
}

interface LoadRules {
  /** Do requests on connections that are open, and probes, still come? */
  readonly isRunning: () => boolean;
  /** Do new connections with traffic still come? */
  readonly isSentTo: () => boolean;
}

const PROBE_MS = 25;
const KEPT_CLIENTS = 6;
/** Between the requests of a keep-alive connection: from so long up to twice that. */
const KEPT_PAUSE_MS = 15;
/** Begun one after another, so that one slow request is always under way until the latest SIGTERM. */
const SLOW_CLIENTS = 3;
const SLOW_LEAD_MS = 50;

/** Begins at once with probes, fresh connections and keep-alive connections. */
export function startContractLoad(
  dialer: Dialer,
  paths: { readonly ready: string; readonly health: string; readonly path: string },
  { isRunning, isSentTo }: LoadRules,
): ContractLoad {
  const seen = {
    ready: [] as Exchange[],
    health: [] as Exchange[],
    fresh: [] as Exchange[],
    kept: [] as Exchange[],
    slow: [] as Exchange[],
    closedIdleMs: [] as number[],
  };

  async function probe(list: Exchange[], path: string, goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      list.push(await dialer.getOnce(path));
      await sleep(PROBE_MS);
    }
  }

  /** Each has a pause of its own, so that they never send in step, and some are idle at any moment. */
  async function keep(index: number): Promise<void> {
    const pauseMs = KEPT_PAUSE_MS * (1 + index / (KEPT_CLIENTS - 1));
    while (isSentTo()) {
      const client = await dialer.open();
      if (client === null) return;
      while (client.isOpen && isRunning()) {
        seen.kept.push(await client.get(paths.path));
        await sleep(pauseMs);
      }
      if (client.wasClosedIdle) seen.closedIdleMs.push(performance.now());
      client.close();
    }
  }

  async function repeatSlow(path: string, goesOn: () => boolean): Promise<void> {
    do seen.slow.push(await dialer.getOnce(path));
    while (isRunning() && goesOn());
  }

  const clients = [
    probe(seen.ready, paths.ready, isRunning),
    probe(seen.health, paths.health, isRunning),
    probe(seen.fresh, paths.path, isSentTo),
    ...Array.from({ length: KEPT_CLIENTS }, (_, index) => keep(index)),
  ];
  return {
    seen,
    async startSlow(path, goesOn) {
      for (let client = 0; client < SLOW_CLIENTS; client += 1) {
        clients.push(repeatSlow(path, goesOn));
        await sleep(SLOW_LEAD_MS);
      }
    },
    done: async () => void (await Promise.all(clients)),
  };
}
