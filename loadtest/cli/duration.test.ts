import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatDuration, parseDurationMs } from './duration.ts';

describe('parseDurationMs()', () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['0ms', 0],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['10', null],
    ['', null],
    ['-1s', null],
    ['1 s', null],
    ['1sec', null],
    ['1e3s', null],
    ['s', null],
  ];
  for (const [text, expected] of cases) {
    test(`reads ${JSON.stringify(text)} as ${expected}`, () => assert.equal(parseDurationMs(text), expected));
  }
});

describe('formatDuration()', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [120_000, '2m'],
    [3_600_000, '1h'],
  ];
  for (const [ms, expected] of cases) {
    test(`writes ${ms} ms as ${expected}`, () => {
      assert.equal(formatDuration(ms), expected);
      assert.equal(parseDurationMs(expected), ms);
    });
  }
});
