import { parentPort, workerData } from 'node:worker_threads';
import { Fault } from '../cli/fault.ts';
import { runEngine } from '../engine/engine.ts';
import type { FromWorker, LoadSpec, ToWorker } from './load.ts';
import { createPlan } from './plan.ts';
import { createRandom } from './random.ts';
import { createRecorder } from './recorder.ts';

const SNAPSHOT_MS = 250;
/** Time for the engine and its alarm to get ready before the first request is due. */
const LEAD_MS = 250;

const { plan, engine, phases, slotMs, startAtEpochMs } = workerData as LoadSpec;
const recorder = createRecorder({ slotMs, timeoutMs: engine.timeoutMs });
for (const phase of phases) recorder.startPhase(phase);

const leadMs = startAtEpochMs === null ? LEAD_MS : startAtEpochMs - Date.now();
const startedAtEpochMs = Date.now() + leadMs;
const startMs = performance.now() + leadMs;
const clock = () => performance.now() - startMs;

const stop = new AbortController();
parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'stop') stop.abort();
  else recorder.startPhase({ name: message.name, fromMs: clock() });
});
const snapshots = setInterval(() => {
  if (clock() >= 0) tell({ kind: 'snapshot', snapshot: recorder.snapshot(clock()) });
}, SNAPSHOT_MS);

try {
  // The ledger counts for itself; the recorder's sums are held against it when the report is read.
  const { planned, sent, settled, fault, isAborted } = await runEngine(createPlan(plan), engine, {
    onSettled: recorder.record,
    signal: stop.signal,
    clock,
    random: createRandom(plan.seed),
  });
  finish({ planned, sent, settled }, isAborted, fault);
} catch (error) {
  if (error instanceof Fault) tell({ kind: 'refused', message: error.message });
  else throw error;
}
clearInterval(snapshots);
parentPort?.close();

function finish(
  ledger: Parameters<typeof recorder.toRecord>[0],
  isInterrupted: boolean,
  ledgerFault: string | null,
) {
  const record = recorder.toRecord(ledger);
  const durationMs = Math.max(0, clock());
  tell({ kind: 'finished', result: { record, ledgerFault, isInterrupted, startedAtEpochMs, durationMs } });
}

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}
