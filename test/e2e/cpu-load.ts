import { runEngine } from '../../loadtest/engine/engine.ts';
import type { Plan } from '../../loadtest/engine/settlement.ts';
import { DEFAULT_LOAD, toLoadSpec } from '../../loadtest/proof/proof-load.ts';

export interface CpuLoad {
  /** Ends the load. Gives the number of requests that were answered. */
  stop(): Promise<number>;
}

/** Begins to ask for one URL, each user again as soon as it has its response, on a new connection each time. */
export function startCpuLoad(url: URL, users: number): CpuLoad {
  const startMs = performance.now();
  const { engine, plan } = toLoadSpec(url, { ...DEFAULT_LOAD, timeoutMs: 10_000 });
  let isStopped = false;
  let answered = 0;
  const endless: Plan = {
    endpoints: plan.endpoints,
    at: (index) => (isStopped ? undefined : { index, intendedMs: 0, endpoint: 0, fresh: true }),
  };
  const mode = { closed: users, durationMs: Number.POSITIVE_INFINITY };
  const ended = runEngine(
    endless,
    { ...engine, mode },
    {
      onSettled({ outcome }) {
        if (outcome === 'ok') answered += 1;
      },
      signal: new AbortController().signal,
      clock: () => performance.now() - startMs,
      random: Math.random,
    },
  );
  return {
    async stop() {
      isStopped = true;
      await ended;
      return answered;
    },
  };
}
