import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEndpoint } from '../load/endpoint.ts';
import { toServerLatencies } from './server-latency.ts';

const endpoints = ['GET /a?x=1', 'GET /b', 'POST /b'].map(parseEndpoint);
const scrape = (lines: readonly string[], pod: string | null = 'p1') => ({
  text: `${lines.join('\n')}\n`,
  pod,
});
const line = (kind: string, labels: string, value: string) =>
  `http_request_duration_seconds_${kind}{${labels}} ${value}`;

describe('toServerLatencies()', () => {
  test('takes the difference over all label sets of a route and method', () => {
    const before = scrape([
      line('sum', 'route="/a",method="GET",code="200"', '1.5'),
      line('count', 'route="/a",method="GET",code="200"', '10'),
    ]);
    const after = scrape([
      '# HELP http_request_duration_seconds x',
      line('sum', 'route="/a",method="GET",code="200"', '2'),
      line('count', 'route="/a",method="GET",code="200"', '14'),
      line('sum', 'code="500",method="GET",route="/a"', '1e-1'),
      line('count', 'code="500",method="GET",route="/a"', '1'),
      line('bucket', 'route="/a",method="GET",le="+Inf"', '99'),
      line('count', 'route="/b",method="POST"', '7'),
      line('sum', 'route="/b",method="POST"', '0.007'),
      'http_request_duration_seconds_count 99',
    ]);
    assert.deepEqual(toServerLatencies(before, after, endpoints), [
      { endpoint: 0, count: 5, sumMs: 600 },
      { endpoint: 2, count: 7, sumMs: 7 },
    ]);
  });

  test('knows the usual names of the route’s label, and does without a method', () => {
    for (const label of ['route', 'path', 'handler', 'endpoint', 'uri']) {
      const after = scrape([line('count', `${label}="/b"`, '2'), line('sum', `${label}="/b"`, '1')]);
      assert.equal(toServerLatencies(scrape([]), after, endpoints)?.[0]?.count, 2, label);
    }
  });

  test('is null where there is no such histogram, no response, another pod, or a restart between', () => {
    const some = scrape([line('count', 'route="/b"', '2'), line('sum', 'route="/b"', '1')]);
    const less = scrape([line('count', 'route="/b"', '1'), line('sum', 'route="/b"', '0.5')]);
    for (const [before, after] of [
      [scrape([]), scrape(['up 1'])],
      [null, some],
      [some, null],
      [some, { ...some, pod: 'p2' }],
      [some, less],
      [some, some],
    ] as const) {
      assert.equal(toServerLatencies(before, after, endpoints), null);
    }
  });
});
