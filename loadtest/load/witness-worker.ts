import { parentPort, workerData } from 'node:worker_threads';
import { Fault } from '../cli/fault.ts';
import { runEngine } from '../engine/engine.ts';
import type { Plan, Settlement } from '../engine/settlement.ts';
import { createPlan } from './plan.ts';
import { createRandom } from './random.ts';
import type { FromWorker, ToWorker, WitnessSpec, WitnessSummary } from './witness.ts';

const FLUSH_MS = 100;
/** For the engine to get ready before the first request is due. */
const LEAD_MS = 50;

const { plan: spec, engine } = workerData as WitnessSpec;
const startMs = performance.now() + LEAD_MS;
const clock = () => performance.now() - startMs;
const stop = new AbortController();
let endMs = Number.POSITIVE_INFINITY;
let batch: Settlement[] = [];

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'end') endMs = message.atMs;
  else stop.abort();
});
tell({ kind: 'ready', startAtMs: performance.timeOrigin + startMs });
const flushes = setInterval(flush, FLUSH_MS);

const whole = createPlan(spec);
const plan: Plan = {
  endpoints: whole.endpoints,
  at(index) {
    const request = whole.at(index);
    return request === undefined || request.intendedMs > endMs ? undefined : request;
  },
};

try {
  const { planned, sent, settled, fault } = await runEngine(plan, engine, {
    onSettled: (settlement) => void batch.push(settlement),
    signal: stop.signal,
    clock,
    random: createRandom(spec.seed),
  });
  finish({ planned, sent, settled, ledgerFault: fault });
} catch (error) {
  if (error instanceof Fault) tell({ kind: 'refused', message: error.message });
  else throw error;
}
clearInterval(flushes);
parentPort?.close();

function finish(summary: WitnessSummary): void {
  flush();
  tell({ kind: 'finished', summary });
}

function flush(): void {
  if (batch.length > 0) tell({ kind: 'settled', settlements: batch });
  batch = [];
}

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}
