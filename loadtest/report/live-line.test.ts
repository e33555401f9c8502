import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutcomeCounts } from '../load/record.ts';
import { createLiveLine } from './live-line.ts';

const snapshot = {
  elapsedMs: 5_000,
  outcomes: { ok: 1_234 } as OutcomeCounts,
  recentSettled: 100,
  recentP99Ms: 3.21,
};
const extent = { requests: 10_000, durationMs: 20_000 };

function shown(
  given: typeof snapshot,
  { isTerminal = true, columns = 80, env = {}, of = extent as Parameters<typeof createLiveLine>[1] } = {},
): string {
  let output = '';
  const write = (text: string) => {
    output += text;
  };
  createLiveLine({ write, isTerminal, columns }, of, env).show(given);
  return output;
}

describe('createLiveLine()', () => {
  test('shows progress, rate, percentile and losses on a terminal', () => {
    const expected = ' 12%  1,234 of 10,000 requests  20/s  p99 3.21 ms  lost 0';
    assert.equal(shown(snapshot, { env: { NO_COLOR: '1' } }), `\r\x1b[2K${expected}`);
    assert.equal(shown(snapshot), `\r\x1b[2K\x1b[32m${expected}\x1b[0m`);
  });

  test('turns red with the first loss, and tells other failures apart', () => {
    const output = shown({ ...snapshot, outcomes: { ok: 1_229, reset: 2, http_404: 3 } });
    assert.ok(output.startsWith('\r\x1b[2K\x1b[31m'), JSON.stringify(output));
    assert.match(output, /lost 2 {2}other not ok 3/);
  });

  test('goes by the clock where no number of requests ends the run', () => {
    assert.match(
      shown(snapshot, { of: { requests: null, durationMs: 20_000 } }),
      / 25% {2}1,234 requests {2}/,
    );
  });

  test('never wraps, and is silent where there is no terminal', () => {
    assert.equal(shown(snapshot, { columns: 20, env: { NO_COLOR: '1' } }), '\r\x1b[2K 12%  1,234 of 10,0');
    assert.equal(shown(snapshot, { isTerminal: false }), '');
  });
});
