import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toFamilyHead, toLabels } from './exposition.ts';
import { createRequestMetrics, type RequestMetrics } from './request-metrics.ts';

const PAYLOAD = 0;
const READY = 1;
const UNMATCHED = 2;

function createScene(): RequestMetrics {
  return createRequestMetrics([
    { path: '/payload', answers: ['2xx', '4xx', '5xx'] },
    { path: '/ready', answers: ['2xx', '5xx'] },
  ]);
}

/** The samples of an exposition that are not 0, by series. */
function samplesOf(metrics: RequestMetrics): Record<string, number> {
  const samples = metrics
    .render()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(
      (line) =>
        [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))] as const,
    );
  return Object.fromEntries(samples.filter(([, value]) => value !== 0));
}

/** The counters among them. */
function countersOf(metrics: RequestMetrics): Record<string, number> {
  return Object.fromEntries(
    Object.entries(samplesOf(metrics)).filter(([name]) => name.startsWith('http_requests')),
  );
}

describe('createRequestMetrics()', () => {
  for (const [status, statusClass] of [
    [200, '2xx'],
    [204, '2xx'],
    [399, '2xx'],
    [400, '4xx'],
    [404, '4xx'],
    [499, '4xx'],
    [500, '5xx'],
    [503, '5xx'],
    [599, '5xx'],
  ] as const) {
    test(`counts a ${status} as ${statusClass}, in the series and in the totals`, () => {
      const metrics = createScene();
      metrics.observe(READY, 'GET', status, 1);
      assert.deepEqual(countersOf(metrics), {
        [`http_requests_total{route="/ready",method="GET",status="${statusClass}"}`]: 1,
      });
      assert.deepEqual(metrics.totals(), { total: 1, '2xx': 0, '4xx': 0, '5xx': 0, [statusClass]: 1 });
    });
  }

  for (const [method, label] of [
    ['GET', 'GET'],
    ['HEAD', 'HEAD'],
    ['OPTIONS', 'OPTIONS'],
    ['POST', 'other'],
    ['get', 'other'],
    ['PROPFIND', 'other'],
  ] as const) {
    test(`counts ${method} as ${label}`, () => {
      const metrics = createScene();
      metrics.observe(PAYLOAD, method, 200, 1);
      assert.deepEqual(countersOf(metrics), {
        [`http_requests_total{route="/payload",method="${label}",status="2xx"}`]: 1,
      });
    });
  }

  test('counts what has no route as unmatched, without a duration', () => {
    const metrics = createScene();
    metrics.observe(UNMATCHED, 'GET', 404, 1);
    assert.deepEqual(samplesOf(metrics), {
      'http_requests_total{route="unmatched",method="GET",status="4xx"}': 1,
    });
  });

  for (const [durationMs, first] of [
    [0, '0.0001'],
    [0.1, '0.0001'],
    [0.11, '0.0005'],
    [0.5, '0.0005'],
    [1, '0.001'],
    [5, '0.005'],
    [25, '0.025'],
    [26, '0.1'],
    [100, '0.1'],
    [500, '0.5'],
    [2_500, '2.5'],
    [10_000, '10'],
    [10_001, '+Inf'],
  ] as const) {
    test(`puts ${durationMs} ms into the bucket up to ${first} s and all above`, () => {
      const metrics = createScene();
      metrics.observe(PAYLOAD, 'HEAD', 200, durationMs);
      const bounds = Object.keys(samplesOf(metrics)).flatMap(
        (name) => /_bucket.*le="(.*)"/.exec(name)?.[1] ?? [],
      );
      const all = ['0.0001', '0.0005', '0.001', '0.005', '0.025', '0.1', '0.5', '2.5', '10', '+Inf'];
      assert.deepEqual(bounds, all.slice(all.indexOf(first)));
    });
  }

  test('adds up durations, in seconds, and their number', () => {
    const metrics = createScene();
    for (const durationMs of [3, 250, 4_000]) metrics.observe(PAYLOAD, 'GET', 503, durationMs);
    const samples = samplesOf(metrics);
    const labels = 'route="/payload",method="GET",status="5xx"';
    assert.equal(samples[`http_request_duration_seconds_sum{${labels}}`], 4.253);
    assert.equal(samples[`http_request_duration_seconds_count{${labels}}`], 3);
    assert.equal(samples[`http_request_duration_seconds_bucket{${labels},le="0.005"}`], 1);
    assert.equal(samples[`http_request_duration_seconds_bucket{${labels},le="0.5"}`], 2);
    assert.equal(samples[`http_request_duration_seconds_bucket{${labels},le="10"}`], 3);
  });

  test('keeps a histogram of GET and HEAD and the statuses a route answers by design, and of no others', () => {
    const names = createScene()
      .render()
      .split('\n')
      .flatMap((line) => /^http_request_duration_seconds_count\{(.*)\} 0$/.exec(line)?.[1] ?? []);
    assert.deepEqual(names, [
      'route="/payload",method="GET",status="2xx"',
      'route="/payload",method="GET",status="4xx"',
      'route="/payload",method="GET",status="5xx"',
      'route="/payload",method="HEAD",status="2xx"',
      'route="/payload",method="HEAD",status="4xx"',
      'route="/payload",method="HEAD",status="5xx"',
      'route="/ready",method="GET",status="2xx"',
      'route="/ready",method="GET",status="5xx"',
      'route="/ready",method="HEAD",status="2xx"',
      'route="/ready",method="HEAD",status="5xx"',
    ]);
  });

  test('renders what has happened since the last scrape, and keeps what has not', () => {
    const metrics = createScene();
    const before = metrics.render();
    assert.equal(metrics.render(), before);
    metrics.observe(PAYLOAD, 'GET', 200, 2);
    metrics.render();
    metrics.observe(READY, 'GET', 503, 2);
    metrics.observe(READY, 'GET', 503, 2);
    const samples = samplesOf(metrics);
    assert.equal(samples['http_requests_total{route="/payload",method="GET",status="2xx"}'], 1);
    assert.equal(samples['http_requests_total{route="/ready",method="GET",status="5xx"}'], 2);
    assert.equal(samples['http_request_duration_seconds_count{route="/ready",method="GET",status="5xx"}'], 2);
  });

  test('totals are of all routes and methods', () => {
    const metrics = createScene();
    metrics.observe(PAYLOAD, 'GET', 200, 1);
    metrics.observe(READY, 'HEAD', 200, 1);
    metrics.observe(READY, 'GET', 503, 1);
    metrics.observe(UNMATCHED, 'POST', 404, 1);
    metrics.observe(UNMATCHED, 'POST', 405, 1);
    metrics.observe(PAYLOAD, 'OPTIONS', 204, 1);
    assert.deepEqual(metrics.totals(), { total: 6, '2xx': 3, '4xx': 2, '5xx': 1 });
  });

  test('is a family of counters and one of histograms, each under its head, a sample a line', () => {
    const lines = createRequestMetrics([]).render().split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      '# HELP http_requests_total Requests answered, by route template, method and status class.',
      '# TYPE http_requests_total counter',
      'http_requests_total{route="unmatched",method="GET",status="2xx"} 0',
    ]);
    assert.deepEqual(lines.slice(-3), [
      '# HELP http_request_duration_seconds Time from a request to its finished answer, for GET and HEAD and the statuses that a route answers by design.',
      '# TYPE http_request_duration_seconds histogram',
      '',
    ]);
    assert.equal(lines.length, 2 + 12 + 3);
  });
});

describe('toFamilyHead()', () => {
  test('escapes backslash and line feed', () => {
    assert.equal(
      toFamilyHead({ name: 'a', type: 'gauge', help: 'one\\two\\\nthree\n"four"' }),
      '# HELP a one\\\\two\\\\\\nthree\\n"four"\n# TYPE a gauge\n',
    );
  });
});

describe('toLabels()', () => {
  for (const [labels, text] of [
    [{}, ''],
    [{ a: '' }, '{a=""}'],
    [{ a: '1', b: '2' }, '{a="1",b="2"}'],
    [{ a: '\\"\n\\"\n' }, '{a="\\\\\\"\\n\\\\\\"\\n"}'],
  ] as const) {
    test(`writes ${text || 'nothing'}`, () => {
      assert.equal(toLabels(labels), text);
    });
  }
});
