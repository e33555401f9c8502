import { createRandom } from './random.ts';
import { createRecorder } from './recorder.ts';
import type { Report } from './report.ts';
import type { Settlement } from './settlement.ts';

/**
 * A report for tests: 20 s at 100 a second, of which shard `index` of `of` sent its part. In the 10th second the
 * version goes from 1 to 2, and `lost` requests meet the end of their connection.
 */
export function createSampleReport({ index = 0, of = 1, lost = 3, durationMs = 20_000 } = {}): Report {
  const recorder = createRecorder({ slotMs: 1_000, timeoutMs: 1_000 });
  recorder.startPhase({ name: 'warmup', fromMs: 0 });
  recorder.startPhase({ name: 'load', fromMs: 2_000 });
  const random = createRandom(index);
  let count = 0;
  for (let request = index; request < durationMs / 10; request += of) {
    count += 1;
    recorder.record(toSettlement(request, request >= 1_000 && request < 1_000 + lost, random));
  }
  return {
    setup: {
      target: 'http://localhost:3000/',
      endpoints: ['/health', '/payload'].map((path) => ({ name: path, method: 'GET', path, weight: 1 })),
      model: { kind: 'open', stages: [{ durationMs, fromRate: 100, toRate: 100 }] },
      freshShare: 0,
      maxRequests: null,
      seed: 1,
      timeoutMs: 1_000,
      startAt: null,
    },
    shards: { of, present: [index], duplicates: [], isMerged: false },
    startedAt: '2030-01-31T12:00:00.000Z',
    durationMs,
    runtime: 'node 20.0.0',
    isInterrupted: false,
    ledgerFault: null,
    requirements: ['p99 < 50ms'],
    server: null,
    record: recorder.toRecord({ planned: count, sent: count, settled: count }),
  };
}

function toSettlement(index: number, isLost: boolean, random: () => number): Settlement {
  const intendedMs = index * 10;
  const version = intendedMs < 10_000 ? '1' : '2';
  return {
    index,
    endpoint: index % 2,
    intendedMs,
    sentMs: intendedMs + 0.2,
    endMs: intendedMs + 2 + 10 * random() ** 4,
    outcome: isLost ? 'closed_before_response' : 'ok',
    status: isLost ? null : 200,
    bytesReceived: isLost ? 0 : 120,
    connection: {
      id: 7,
      reused: true,
      setupMs: 1,
      ageMs: 900,
      idleMs: 40,
      requests: 9,
      localPort: 40_000,
      remoteAddress: '10.0.0.7',
    },
    pod: `pod-<${version}>`,
    version,
    detail: isLost ? 'closed by the server' : null,
  };
}
