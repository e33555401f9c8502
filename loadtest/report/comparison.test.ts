import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleReport } from '../../test/fixtures/sample-report.ts';
import { createHistogram } from '../load/histogram.ts';
import {
  type Compared,
  compare,
  compareRuns,
  formatComparisonJson,
  summarize,
  toComparisonTables,
} from './comparison.ts';
import { formatComparisonPage } from './comparison-page.ts';
import type * as Json from './json.d.ts';
import type { Report } from './report.ts';

const NAMES = { old: 'old.json', new: 'new.json' };

/** @param spreadMs times go from 10 ms to this much more, evenly */
function compared(changes: Partial<Compared> & { readonly count?: number; readonly spreadMs?: number } = {}) {
  const { count = 1_000, spreadMs = 10, ...more } = changes;
  const all = createHistogram(3);
  for (let i = 0; i < count; i += 1) all.record(10 + (spreadMs * i) / count);
  return {
    target: 'http://web.test/',
    startedAt: '2030-01-31T12:00:00.000Z',
    verdict: { kind: 'clean', sentence: 'None was lost.' },
    outcomes: { ok: count },
    latencies: { all },
    causes: {},
    hazards: {},
    margins: {},
    ...more,
  };
}

describe('compare()', () => {
  test('tells which percentiles differ by more than noise, and which are too uncertain', () => {
    const { latencies } = compare('run', compared(), compared({ spreadMs: 12 }));
    assert.deepEqual(
      latencies.map(({ percentile, isMoreThanNoise, old }) => [
        percentile,
        isMoreThanNoise,
        old?.mostMs === null,
      ]),
      [
        [50, true, false],
        [90, true, false],
        [99, true, false],
        [99.9, false, true],
      ],
    );
  });

  test('has what only one of them has, as none of the other', () => {
    const found = compare(
      'proof',
      compared({
        outcomes: { ok: 990, reset: 10 },
        causes: { crashes: 10 },
        hazards: { 'cold-start': 1 },
        margins: { left: 5 },
      }),
      compared({ outcomes: { ok: 1_000 }, causes: { unknown: 1 }, margins: { left: null } }),
    );
    assert.deepEqual(found.outcomes, [
      { name: 'ok', old: 990, new: 1_000, isMoreThanNoise: false },
      { name: 'reset', old: 10, new: 0, isMoreThanNoise: true },
    ]);
    assert.deepEqual(found.lost, { name: 'lost', old: 10, new: 0, isMoreThanNoise: true });
    assert.deepEqual(
      found.causes.map(({ name, old, new: now }) => [name, old, now]),
      [
        ['crashes', 10, 0],
        ['unknown', 0, 1],
      ],
    );
    assert.deepEqual(found.hazards, [{ name: 'cold-start', old: 1, new: 0 }]);
    assert.deepEqual(found.margins, [{ name: 'left', old: 5, new: null }]);
  });
});

describe('compareRuns()', () => {
  const report = createSampleReport();

  test('compares a longer run of the same rate, over all requests and each endpoint, without the warm-up', () => {
    const { latencies, requests } = compareRuns(report, createSampleReport({ durationMs: 40_000 }), NAMES);
    assert.deepEqual([...new Set(latencies.map(({ group }) => group))], ['all', '/health', '/payload']);
    assert.deepEqual(requests, { old: 2_000, new: 4_000 });
  });

  const setup = (changes: Partial<Report['setup']>): Report => ({
    ...report,
    setup: { ...report.setup, ...changes },
  });
  for (const [what, now, message] of [
    [
      'other endpoints',
      setup({ endpoints: [{ name: '/', method: 'GET', path: '/', weight: 1 }] }),
      'they differ in endpoints: ["GET /health 1","GET /payload 1"] and ["GET / 1"]',
    ],
    [
      'another rate',
      setup({ model: { kind: 'open', stages: [{ durationMs: 20_000, fromRate: 50, toRate: 50 }] } }),
      'they differ in load: [{"fromRate":100,"toRate":100}] and [{"fromRate":50,"toRate":50}]',
    ],
    [
      'a closed loop',
      setup({ model: { kind: 'closed', connections: 4, durationMs: 20_000 } }),
      'they differ in load: [{"fromRate":100,"toRate":100}] and {"users":4}',
    ],
    [
      'another share of fresh connections',
      setup({ freshShare: 0.5 }),
      'share of fresh connections: 0 and 0.5',
    ],
    ['another deadline', setup({ timeoutMs: 5 }), 'they differ in deadline: 1000 and 5'],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => compareRuns(report, now, NAMES), {
        name: 'Fault',
        message: new RegExp(`^old\\.json and new\\.json cannot be compared: .*${toPattern(message)}$`),
      });
    });
  }

  test('refuses a part of a run', () => {
    assert.throws(() => compareRuns(report, createSampleReport({ index: 1, of: 2 }), NAMES), {
      message: 'new.json is one part of 2: merge them first, with dropless merge --json',
    });
  });
});

function toPattern(text: string): string {
  return text.replace(/[[\]{}()*+?.\\^$|]/g, '\\$&');
}

describe('summarize()', () => {
  for (const [what, old, now, sentence] of [
    [
      'nothing',
      compared(),
      compared(),
      'Lost 0 of 1,000 before and 0 of 1,000 now. No latency differs by more than noise.',
    ],
    [
      'slower, and a loss',
      compared(),
      compared({ outcomes: { ok: 999, reset: 1 }, spreadMs: 12 }),
      'Lost 0 of 1,000 before and 1 of 1,000 now, a difference that may be chance. By more than noise, p50 of all rose, p90 of all rose, p99 of all rose.',
    ],
    [
      'losses gone',
      compared({ outcomes: { ok: 980, reset: 20 } }),
      compared(),
      'Lost 20 of 1,000 before and 0 of 1,000 now. No latency differs by more than noise.',
    ],
    [
      'twice as long',
      compared({ outcomes: { ok: 990, reset: 10 } }),
      compared({ outcomes: { ok: 1_980, reset: 20 } }),
      'Lost 10 of 1,000 before and 20 of 2,000 now. No latency differs by more than noise.',
    ],
  ] as const) {
    test(what, () => assert.equal(summarize(compare('run', old, now)), sentence));
  }
});

test('the tables say range, difference and noise of each percentile', () => {
  const comparison = compare('run', compared(), compared({ spreadMs: 12 }));
  const latency = toComparisonTables(comparison).find(({ title }) => title === 'Latency');
  assert.deepEqual(latency?.rows[1], [
    'all',
    'p90',
    '19 ms',
    '18.8 ms to 19.2 ms',
    '20.8 ms',
    '20.5 ms to 21.1 ms',
    '+1.81 ms (+10%)',
    'yes',
  ]);
});

test('the JSON is what its published type says', () => {
  const written: Json.ComparisonReport = JSON.parse(
    formatComparisonJson(compareRuns(createSampleReport(), createSampleReport(), NAMES)),
  );
  assert.equal(written.schema, 'dropless.comparison/1');
  assert.equal(written.latencies[0]?.old?.leastMs, written.latencies[0]?.new?.leastMs);
});

test('the page escapes what it shows, and has no script', () => {
  const comparison = compare('run', compared(), compared({ target: 'http://web.test/<b>' }));
  const page = formatComparisonPage(comparison, toComparisonTables(comparison), { style: 'p{}' });
  assert.ok(!page.includes('<b>') && page.includes('http://web.test/&lt;b&gt;') && !page.includes('<script'));
});
