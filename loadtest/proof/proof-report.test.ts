import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { Fault } from '../cli/fault.ts';
import type { Proof } from './judgement.ts';
import { formatProofReport, MAX_LOSSES, parseSeries, toProofSchema, toReport } from './proof-report.ts';
import { parseRemoval } from './safeguard.ts';
import { type Series, toSeriesVerdict } from './series.ts';

const sample = createSampleProof();
const [told] = sample.losses;
assert.ok(told !== undefined);

const clean: Proof = {
  ...sample,
  disruption: 'drain',
  ok: 800,
  lost: 0,
  outcomes: { ok: 800 },
  causes: {},
  losses: [],
  verdict: { kind: 'proven', exit: 'proven', sentence: 'PROVEN', doubts: [], upperBound: 0.004 },
};
/** With every field that can be null once so and once not. */
const full: Proof = {
  ...sample,
  outcomes: { ok: 797, http_404: 1, http_503: 1, timeout: 1 },
  causes: { 'node-lost': 2, unknown: 1 },
  losses: [
    ...sample.losses,
    {
      ...told,
      pod: null,
      podBy: null,
      phase: 'unknown',
      cause: 'unknown',
      settlement: {
        ...told.settlement,
        sentMs: null,
        status: 503,
        bytesReceived: 7,
        connection: null,
        pod: null,
        version: null,
        detail: null,
        traceId: null,
      },
    },
    { ...told, podBy: 'elimination', cause: 'node-lost' },
  ],
  requirements: [
    { text: 'p99 < 50ms', unit: 'time', actual: 10, state: 'met' },
    { text: 'max(none) < 1s', unit: 'time', actual: null, state: 'unknown' },
  ],
  leftBehind: ['the preStop of web'],
};
const controls: readonly Proof[] = [
  { ...full, without: [parseRemoval('preStop')] },
  { ...clean, without: [parseRemoval('preStop'), parseRemoval('lame-duck')] },
];

const series = (given: Partial<Series> = {}): Series => ({
  proofs: [sample],
  controls: [],
  cutShort: null,
  ...given,
});
const whole = series({ proofs: [full, clean], controls, cutShort: 'it was interrupted' });

/** The JSON of the series with the value at the path replaced; undefined: left out. */
function altered(path: string, value: unknown, given = whole): string {
  const json = JSON.parse(formatProofReport(given));
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((object, key) => object[key], json);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(json);
}

describe('parseSeries()', () => {
  for (const [what, given] of [
    ['one proof', series()],
    ['a proof with its controls', series({ controls })],
    ['several', series({ proofs: [full, clean, sample] })],
    ['one that was cut short', series({ proofs: [clean], cutShort: 'the kill has no proof: no cluster' })],
    ['one that never began', series({ proofs: [], cutShort: 'preStop is not there' })],
    ['nothing', series({ proofs: [] })],
    ['all that there can be', whole],
  ] as const) {
    test(`gives back ${what}, with the verdict that was written`, () => {
      const text = formatProofReport(given);
      const read = parseSeries(text, 'proof.json');
      assert.deepEqual(read, given);
      assert.deepEqual(toSeriesVerdict(read), JSON.parse(text).verdict);
      assert.equal(formatProofReport(read), text);
      assert.equal(text.indexOf('\n'), text.length - 1);
    });
  }

  test('gives back the first losses, and the number of all', () => {
    const losses = Array.from({ length: MAX_LOSSES + 1 }, (_, index) => ({
      ...told,
      settlement: { ...told.settlement, index },
    }));
    const many = { ...sample, lost: losses.length, losses };
    assert.deepEqual(
      parseSeries(formatProofReport(series({ proofs: [many] })), 'proof.json'),
      series({ proofs: [{ ...many, losses: losses.slice(0, 5_000) }] }),
    );
  });

  /** What is there for other readers, and most of what the reports of runs have, too. */
  const derived = /^\w+\.\d\.latency(\.|$)|\.expectedLosses(\.|$)|\.record\.(series|cells)\.(?!0\.)\d/;

  /** What older reports lack, and what is counted by a key. */
  const optional =
    /\.(remoteAddress|traceId|isOomKilled|ledFrom|firstResponseFrom|vantagePoints|direct|settlement\.from)$|\.(causes|outcomes|endings)\.\w/;

  test('checks every field: that it is there, and what it holds', () => {
    const paths = toPaths(toReport(whole)).filter((path) => !derived.test(path));
    assert.ok(paths.length > 500, `${paths.length} fields`);
    for (const path of paths) {
      // No field takes an array of an array.
      for (const value of optional.test(`.${path}`) ? [[[]]] : [undefined, [[]]]) {
        assert.throws(
          () => parseSeries(altered(path, value), 'proof.json'),
          (error) => error instanceof Fault && error.message.includes(toPlace(path)),
          `${path} = ${JSON.stringify(value)}`,
        );
      }
    }
  });

  const faults: readonly (readonly [string, unknown, string])[] = [
    ['schema', 'dropless.proof/3', 'schema must be dropless.proof/4, but is dropless.proof/3'],
    ['schema', undefined, 'the report.schema must be a string, but is missing'],
    ['proofs', {}, 'the report.proofs must be an array, but is {}'],
    ['cutShort', 1, 'the report.cutShort must be a string, but is 1'],
    [
      'proofs.1.disruption',
      'explode',
      'the report.proofs[1].disruption must be rollout or scale or drain or kill or run, but is "explode"',
    ],
    [
      'controls.0.without.0',
      'probe',
      'the report.controls[0].without[0] must be preStop or lame-duck or readiness or in-flight or preStop=TIME or env:NAME=VALUE, but is "probe"',
    ],
    ['proofs.0.lost', -1, 'the report.proofs[0].lost must be a whole number, but is -1'],
    ['proofs.0.durationMs', -1, 'the report.proofs[0].durationMs must be a number of at least 0, but is -1'],
    ['proofs.0.outcomes.lots', 1, 'the report.proofs[0].outcomes must be an outcome, but is "lots"'],
    [
      'proofs.0.record.series.0.outcomes.ok',
      '1',
      'the report.proofs[0].record.series[0].outcomes.ok must be a whole number',
    ],
    ['proofs.0.causes.magic', 1, 'the report.proofs[0].causes must be exits-on-sigterm or '],
    [
      'proofs.0.losses.0.cause',
      'toString',
      'the report.proofs[0].losses[0].cause must be exits-on-sigterm or ',
    ],
    [
      'proofs.0.losses.0.phase',
      'asleep',
      'the report.proofs[0].losses[0].phase must be unknown or starting or ready or unready or terminating or preStop or endpoint removed or preStop or later or gone, but is "asleep"',
    ],
    [
      'proofs.0.losses.0.podBy',
      'guess',
      'the report.proofs[0].losses[0].podBy must be connection or direct-probe or elimination, but is "guess"',
    ],
    [
      'proofs.0.losses.0.settlement.outcome',
      'http_CODE',
      'the report.proofs[0].losses[0].settlement.outcome must be an outcome, but is "http_CODE"',
    ],
    [
      'proofs.0.timelines.0.exit.code',
      '143',
      'the report.proofs[0].timelines[0].exit.code must be a number, but is "143"',
    ],
    [
      'proofs.0.verdict.kind',
      'green',
      'the report.proofs[0].verdict.kind must be proven or losses or missed or inconclusive or at-risk, but is "green"',
    ],
    [
      'proofs.0.verdict.exit',
      'perfect',
      'the report.proofs[0].verdict.exit must be proven or failed or usage or inconclusive or at-risk, but is "perfect"',
    ],
    ['proofs.0.verdict.exit', 'proven', 'the report.proofs[0].verdict.exit must be failed, but is "proven"'],
    ['verdict', clean.verdict, 'the report.verdict.kind must be losses to match its proofs, but is proven'],
  ];
  for (const [path, value, message] of faults) {
    test(`refuses ${path} = ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => parseSeries(altered(path, value), 'proof.json'),
        (error) =>
          error instanceof Fault &&
          error.message.startsWith(`proof.json is no report of this version: ${message}`),
        message,
      );
    });
  }

  test('refuses what is not JSON', () => {
    assert.throws(() => parseSeries('PROVEN', 'proof.json'), {
      name: 'Fault',
      message: 'proof.json is not JSON; give a file that dropless prove --json has written',
    });
  });

  test('reads no report as better than it was', () => {
    const cut = series({ proofs: [clean], cutShort: 'it was interrupted' });
    assert.throws(() => parseSeries(altered('cutShort', null, cut), 'proof.json'), {
      name: 'Fault',
      message: /verdict\.kind must be proven to match its proofs, but is inconclusive$/,
    });
  });

  test('reads what a later version may add', () => {
    assert.deepEqual(parseSeries(altered('proofs.0.more', 1), 'proof.json'), whole);
  });
});

describe('toProofSchema()', () => {
  const isValid = new Ajv2020({ strict: true, strictTypes: false }).compile(toProofSchema());

  for (const [what, given] of [
    ['a proof', series()],
    ['all that there can be', whole],
    ['nothing', series({ proofs: [] })],
  ] as const) {
    test(`holds for ${what}`, () => {
      assert.ok(isValid(JSON.parse(formatProofReport(given))), JSON.stringify(isValid.errors));
    });
  }

  test('knows every field: that it is there, and what it holds', () => {
    for (const path of toPaths(toReport(whole))) {
      // Which outcomes, causes and endings there were is free.
      const isCounted = /\.(causes|outcomes|endings)\.\w/.test(path);
      for (const value of isCounted ? [[[]]] : [undefined, [[]]]) {
        assert.ok(!isValid(JSON.parse(altered(path, value))), `${path} = ${JSON.stringify(value)}`);
      }
    }
  });

  for (const [path, value] of [
    ['schema', 'dropless.proof/3'],
    ['proofs.0.lost', -1],
    ['proofs.0.outcomes.lots', 1],
    ['proofs.0.causes.magic', 1],
    ['proofs.0.losses.0.cause', 'toString'],
    ['proofs.0.verdict.kind', 'green'],
  ] as const) {
    test(`refuses ${path} = ${JSON.stringify(value)}`, () => {
      assert.equal(isValid(JSON.parse(altered(path, value))), false);
    });
  }
});

/** Dotted paths of every field in the JSON but its schema. */
function toPaths(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const prefix = path === '' ? '' : `${path}.`;
  const entries = Object.entries(value).filter(([key]) => `${prefix}${key}` !== 'schema');
  if (Array.isArray(value)) return entries.flatMap(([key, item]) => toPaths(item, `${prefix}${key}`));
  return entries.flatMap(([key, item]) => [`${prefix}${key}`, ...toPaths(item, `${prefix}${key}`)]);
}

function toPlace(path: string): string {
  return `the report.${path.replace(/\.(\d+)(?=\.|$)/g, '[$1]')}`;
}
