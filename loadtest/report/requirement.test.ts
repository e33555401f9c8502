import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTally } from '../load/record.ts';
import { findMetric, listMetrics, type MetricSource } from './metric.ts';
import { judgeRequirement, parseRequirement } from './requirement.ts';

/** 100 ok responses of 1 to 100 ms after 10 ms of service and 1 of lag, 4 losses and 1 not found; warm-up: one ok of 9 s. */
function source(): MetricSource {
  const measured = createTally();
  for (let ms = 1; ms <= 100; ms += 1) {
    measured.response.record(ms);
    measured.service.record(10);
    measured.lag.record(1);
  }
  Object.assign(measured.outcomes, { ok: 100, reset: 4, http_404: 1 });
  const all = createTally();
  all.response.record(9_000);
  Object.assign(all.outcomes, { ok: 101, reset: 4, http_404: 1 });
  return { all, measured, durationMs: 10_000 };
}

const judge = (text: string, given = source()) => judgeRequirement(parseRequirement(text), given);

describe('judgeRequirement()', () => {
  const cases: readonly (readonly [string, number, 'met' | 'missed'])[] = [
    ['lost == 4', 4, 'met'],
    ['lost == 0', 4, 'missed'],
    ['lost<5', 4, 'met'],
    ['lost < 4', 4, 'missed'],
    ['lost <= 4', 4, 'met'],
    ['lost > 4', 4, 'missed'],
    ['lost >= 4', 4, 'met'],
    ['failed == 5', 5, 'met'],
    ['requests >= 106', 106, 'met'],
    ['lost_share < 4%', (100 * 4) / 106, 'met'],
    ['failed_share <= 4.7%', (100 * 5) / 106, 'missed'],
    ['rate >= 10.1/s', 10.1, 'met'],
    ['rate > 10.1/s', 10.1, 'missed'],
    ['p50 < 50.1ms', 50, 'met'],
    [' p99  <  0.1s ', 99, 'met'],
    ['p99 < 99ms', 99, 'missed'],
    ['p100 <= 100ms', 100, 'met'],
    ['average == 50.5ms', 50.5, 'met'],
    ['max <= 1m', 100, 'met'],
    ['service_p90 <= 10ms', 10, 'met'],
    ['lag_max < 2ms', 1, 'met'],
  ];
  for (const [text, actual, state] of cases) {
    test(`${text.trim()} is ${state} by ${actual}`, () => {
      const result = judge(text);
      assert.deepEqual([result.text, result.state], [text, state]);
      assert.ok(Math.abs((result.actual ?? Number.NaN) - actual) <= actual / 1_000, String(result.actual));
    });
  }

  test('is unknown, neither met nor missed, where there is nothing to measure', () => {
    const nothing = { all: createTally(), measured: createTally(), durationMs: 10_000 };
    for (const text of ['p99 < 1h', 'max < 1h', 'lost_share < 1%'])
      assert.equal(judge(text, nothing).state, 'unknown');
    assert.equal(judge('lost == 0', nothing).state, 'met');
  });
});

describe('parseRequirement()', () => {
  test('takes the name of an endpoint or a phase in parentheses', () => {
    assert.equal(parseRequirement('p99(/payload?n=5) < 50ms').scope, '/payload?n=5');
    assert.equal(parseRequirement('p99(during) < 50ms').scope, 'during');
    assert.equal(parseRequirement('lost(POST /cart) == 0').scope, 'POST /cart');
    assert.equal(parseRequirement('lost == 0').scope, null);
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['', /^at character 1: "" is not a metric; there are lost, /],
    ['p0 < 1ms', /^at character 1: "p0" is not a metric/],
    ['p101 < 1ms', /^at character 1: "p101" is not a metric/],
    ['  speed < 1ms', /^at character 3: "speed" is not a metric/],
    ['constructor < 1', /^at character 1: "constructor" is not a metric/],
    ['p99', /^at character 4: expected one of == <= >= < >$/],
    ['p99 = 5ms', /^at character 5: expected one of/],
    ['p99 < ', /^at character 7: expected a value such as 50ms, not ""$/],
    ['p99 < 50', /^at character 7: expected a value such as 50ms, not "50"$/],
    ['p99(/a) < 50', /^at character 11: expected a value such as 50ms, not "50"$/],
    ['lost == 0ms', /^at character 9: expected a value such as 0, not "0ms"$/],
    ['lost_share < 1', /^at character 14: expected a value such as 0.1%, not "1"$/],
    ['rate > 5', /^at character 8: expected a value such as 100\/s, not "5"$/],
    ['p99 < 50ms or so', /^at character 7: expected a value such as 50ms, not "50ms or so"$/],
  ];
  for (const [text, message] of faults) {
    test(`names the place of the fault in ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseRequirement(text), { name: 'Fault', message });
    });
  }
});

describe('listMetrics()', () => {
  test('lists only what can be required', () => {
    for (const { name } of listMetrics())
      assert.notEqual(findMetric(name.replace('pN', 'p99.9')), null, name);
  });
});
