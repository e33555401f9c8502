import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { TOOLS, testWith } from '../../test/tools.ts';
import { formatObservationMetrics } from './observation-metrics.ts';
import { NO_TOTALS } from './totals.ts';

const none = formatObservationMetrics({ totals: NO_TOTALS, outcomes: {}, isQuiet: true }, 1);
const some = formatObservationMetrics(
  {
    totals: {
      ...NO_TOTALS,
      causes: { crashes: 4 },
      hazards: { 'cold-start': 2 },
      replacements: { losses: { rollout: 3 } },
    },
    outcomes: { ok: 10, http_404: 1, http_429: 2, http_500: 3, http_503: 4, reset: 5 },
    isQuiet: false,
  },
  1_048_576,
);

describe('formatObservationMetrics()', () => {
  test('tells what was counted', () => {
    for (const line of [
      'dropless_requests_total{outcome="ok"} 10',
      'dropless_requests_total{outcome="http_4xx"} 1',
      'dropless_requests_total{outcome="http_429"} 2',
      'dropless_requests_total{outcome="http_5xx"} 7',
      'dropless_requests_total{outcome="reset"} 5',
      'dropless_requests_lost_total{cause="crashes"} 4',
      'dropless_hazards_total{hazard="cold-start"} 2',
      'dropless_replacements_total{reason="rollout",verdict="losses"} 3',
      'dropless_replacement_under_way 1',
      'process_resident_memory_bytes 1048576',
    ]) {
      assert.ok(some.includes(`\n${line}\n`), line);
    }
  });

  test('has every series from the start, and never another', () => {
    const seriesOf = (text: string) => text.split('\n').map((line) => line.replace(/ [^ ]*$/, ''));
    assert.deepEqual(seriesOf(some), seriesOf(none));
    assert.ok(none.split('\n').length < 150);
  });

  testWith(TOOLS.promtool)('promtool finds nothing to complain about', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: some,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });
});
