import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { ConnectionCounts, ConnectionEnd } from '../engine/connection-ledger.ts';
import { runEngine } from '../engine/engine.ts';
import type { Plan, Settlement } from '../engine/settlement.ts';
import type { Collector } from './collector.ts';
import { createFailureCollector, withPhases } from './failures.ts';
import { followHeaderFile, LOOK_MS } from './header-file.ts';
import type { FromLoadWorker, ToLoadWorker, WorkerSpec } from './load-link.ts';
import { toLongestTimeoutMs } from './load-spec.ts';
import { createPhases } from './phases.ts';
import { createPlan } from './plan.ts';
import { createRandom } from './random.ts';
import { createRecorder } from './recorder.ts';

const SNAPSHOT_MS = 250;
const FLUSH_MS = 100;
/** Time for the engine and its alarm to get ready before the first request is due. */
const LEAD_MS = 250;

const spec = workerData as WorkerSpec;
const { engine, startAtEpochMs } = spec;
const phases = createPhases(spec.phases);
const recorder = createRecorder({ slotMs: spec.slotMs, timeoutMs: toLongestTimeoutMs(spec) }, phases);
const failures = createFailureCollector(spec.failuresPerOutcome);
let batch: Settlement[] = [];
let ended: ConnectionEnd[] = [];
const collectors: readonly Collector[] = [
  recorder,
  failures,
  ...(spec.isStreamed ? [{ add: (settlement: Settlement) => void batch.push(settlement) }] : []),
];

const leadMs = startAtEpochMs === null ? LEAD_MS : startAtEpochMs - Date.now();
const startedAtEpochMs = Date.now() + leadMs;
const startMs = performance.now() + leadMs;
const clock = () => performance.now() - startMs;
let endMs = Number.POSITIVE_INFINITY;

const stop = new AbortController();
parentPort?.on('message', (message: ToLoadWorker) => {
  if (message.kind === 'stop') stop.abort();
  else if (message.kind === 'end') endMs = message.atMs;
  else phases.start(message.phase);
});
tell({ kind: 'ready', startAtMs: performance.timeOrigin + startMs });
const flushes = setInterval(flush, FLUSH_MS);
const snapshots = setInterval(() => {
  if (clock() >= 0) tell({ kind: 'snapshot', snapshot: recorder.snapshot(clock()) });
}, SNAPSHOT_MS);

const headers =
  spec.headerFile === undefined
    ? null
    : followHeaderFile(
        spec.headerFile,
        (path) => readFile(path, 'utf8'),
        (text) => tell({ kind: 'notice', text }),
      );
const looks = headers === null ? null : setInterval(() => void headers.look(), LOOK_MS);

// The ledger counts for itself; the recorder's sums are held against it when the report is read.
const { planned, sent, settled, connections, fault, isAborted } = await runEngine(
  toEndingPlan(createPlan(spec.plan)),
  engine,
  {
    onSettled: (settlement) => {
      for (const collector of collectors) collector.add(settlement);
    },
    onConnectionEnded: (end) => void (spec.isStreamed && ended.push(end)),
    signal: stop.signal,
    clock,
    random: createRandom(spec.plan.seed),
    ...(headers === null ? {} : { headers: () => headers.current }),
  },
);
flush();
tell({
  kind: 'finished',
  result: {
    record: recorder.toRecord({ planned, sent, settled, connections: toCounts(connections) }),
    failures: failures.list().map((settlement) => withPhases(settlement, phases)),
    ledgerFault: fault,
    isInterrupted: isAborted,
    startedAtEpochMs,
    durationMs: Math.max(0, clock()),
  },
});
clearInterval(flushes);
clearInterval(snapshots);
if (looks !== null) clearInterval(looks);
parentPort?.close();

/** The plan, without what is due after `endMs`. */
function toEndingPlan(plan: Plan): Plan {
  return {
    ...plan,
    at(index) {
      const request = plan.at(index);
      return request === undefined || request.intendedMs > endMs ? undefined : request;
    },
  };
}

function flush(): void {
  if (batch.length + ended.length > 0) tell({ kind: 'ended', settlements: batch, connections: ended });
  batch = [];
  ended = [];
}

function tell(message: FromLoadWorker): void {
  parentPort?.postMessage(message);
}

/** The fault of its ledger is that of the load. */
function toCounts({ tried, established, endings }: ConnectionCounts): ConnectionCounts {
  return { tried, established, endings };
}
