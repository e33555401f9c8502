import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleReport } from '../../test/fixtures/sample-report.ts';
import { findReports, formatRunReport, parseReport, type Report } from './report.ts';
import { toFindings } from './summary.ts';
import { formatTable, toTables } from './tables.ts';

const toText = (report: Report) => formatRunReport(report, toFindings(report));
/** The report with the value at the dotted path replaced. */
function altered(path: string, value: unknown): string {
  const report = JSON.parse(toText(createSampleReport()));
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((object, key) => object[key], report);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(report);
}

describe('parseReport()', () => {
  test('gives back what was written, without what follows from it', () => {
    const report = createSampleReport();
    assert.deepEqual(parseReport(toText(report), 'r.json'), report);
    assert.equal(toText(report).indexOf('\n'), toText(report).length - 1);
  });

  test('works out the same findings as the run did', () => {
    const report = createSampleReport();
    const { summary, verdict } = JSON.parse(toText(report));
    assert.deepEqual(toFindings(parseReport(toText(report), 'r.json')), { summary, verdict });
  });

  const faults: readonly (readonly [string, unknown, string])[] = [
    ['schema', 'dropless.run/2', 'schema must be dropless.run/1, but is dropless.run/2'],
    ['schema', undefined, 'the report.schema must be a string, but is missing'],
    ['setup.seed', '1', 'the report.setup.seed must be a whole number, but is "1"'],
    ['setup.model.kind', 'half', 'the report.setup.model.kind must be open or closed, but is "half"'],
    ['durationMs', null, 'the report.durationMs must be a number of at least 0, but is null'],
    ['isInterrupted', 1, 'the report.isInterrupted must be true or false, but is 1'],
    ['record.cells', {}, 'the report.record.cells must be an array, but is {}'],
    [
      'record.cells.0.outcomes.lots',
      1,
      'the report.record.cells[0].outcomes must be an outcome, but is "lots"',
    ],
    [
      'record.cells.0.response.count',
      1,
      'the report.record.cells[0].response must be a histogram of 1 values, but is not',
    ],
    ['failures.0.connection', 'x', 'the report.failures[0].connection must be an object, but is "x"'],
  ];
  for (const [path, value, message] of faults) {
    test(`refuses ${path} = ${JSON.stringify(value)}`, () => {
      assert.throws(() => parseReport(altered(path, value), 'r.json'), {
        name: 'Fault',
        message: `r.json is no report of this version: ${message}`,
      });
    });
  }

  test('refuses what is not JSON', () => {
    assert.throws(() => parseReport('Endpoint', 'r.json'), {
      name: 'Fault',
      message: /^r\.json is not JSON;/,
    });
  });

  test('reads a report of before the address of a connection was known', () => {
    const { failures } = parseReport(altered('failures.0.connection.remoteAddress', undefined), 'r.json');
    const [first, second] = failures.map(({ connection }) => connection?.remoteAddress);
    assert.deepEqual([first, second], [null, '10.0.0.7']);
  });

  test('reads what a later version may add', () => {
    assert.deepEqual(parseReport(altered('more', 1), 'r.json'), createSampleReport());
  });
});

describe('findReports()', () => {
  test('finds the reports among the lines of a log', () => {
    const [a, b] = [createSampleReport({ of: 2 }), createSampleReport({ of: 2, index: 1 })];
    const log = `starting\n${toText(a)}Endpoint  RequestCount\n{"schema":"other"}\n${toText(b)}`;
    assert.deepEqual(findReports(log, '-'), [a, b]);
  });

  test('reads a file that was made readable, and refuses one without a report', () => {
    const report = createSampleReport();
    assert.deepEqual(findReports(JSON.stringify(JSON.parse(toText(report)), null, 2), '-'), [report]);
    assert.throws(() => findReports('nothing\nhere', '-'), { name: 'Fault' });
  });
});

describe('toFindings()', () => {
  test('holds the ledger against what the cells count', () => {
    const report = createSampleReport({ lost: 0 });
    const fault = { ...report, record: { ...report.record, planned: 2_001 } };
    const { verdict } = toFindings(fault);
    assert.deepEqual([verdict.kind, verdict.exit], ['unbalanced', 'failed']);
    assert.match(verdict.sentence, /planned 2001, sent 2000, settled 2000, counted 2000/);
  });

  test('leaves the warm-up out of the latencies and nothing out of the counts', () => {
    const { summary } = toFindings(createSampleReport());
    assert.deepEqual([summary.requests, summary.latency.response.count], [2_000, 1_797]);
    assert.equal(summary.latency.failed.count, 3);
    assert.deepEqual(
      summary.phases.map(({ name, requests }) => [name, requests]),
      [
        ['warmup', 200],
        ['load', 1_800],
      ],
    );
  });

  test('judges a requirement by its endpoint alone', () => {
    const report = {
      ...createSampleReport({ lost: 1 }),
      requirements: ['lost(/health) == 1', 'lost(/payload) == 0'],
    };
    assert.deepEqual(
      toFindings(report).summary.requirements.map(({ state }) => state),
      ['met', 'met'],
    );
  });
});

describe('toTables()', () => {
  const report = createSampleReport();
  const text = toTables(report, toFindings(report)).map(formatTable).join('\n\n');

  test('starts with requests, total and average by endpoint, which multiply', () => {
    const [head, health = ''] = text.split('\n');
    assert.match(
      head ?? '',
      /^Endpoint {2}RequestCount {2}TotalDuration\(ms\) {2}AverageLatency\(ms\) {2}NotOk {2}Lost$/,
    );
    const [name, count, total, average] = health.split(/\s+/);
    assert.deepEqual([name, count], ['/health', '1,000']);
    assert.ok(Math.abs(Number(total) - 1_000 * Number(average)) < 1, health);
  });

  test('has the server’s average where there is one', () => {
    const given = { ...report, server: [{ endpoint: 1, count: 1_000, sumMs: 500 }] };
    const lines = formatTable(
      toTables(given, toFindings(given))[0] as Parameters<typeof formatTable>[0],
    ).split('\n');
    assert.match(lines[0] ?? '', /ServerAverage\(ms\)/);
    assert.match(lines[1] ?? '', /^\/health .* - +2 +2$/);
    assert.match(lines[2] ?? '', /^\/payload .* 0\.500 +1 +1$/);
  });

  test('shows each failure with its connection, pod and phase', () => {
    assert.match(
      text,
      /1000 +\/health +closed_before_response +10\.000 s .* load +reused, aged 900 ms +40 ms +0 B +pod-<2> +2 +closed by the server/,
    );
  });
});
