import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HttpProblem } from '../problem.ts';
import { parseN } from './payload.ts';

function refusalOf(url: string): string {
  try {
    parseN(url, 40);
  } catch (error) {
    assert.ok(error instanceof HttpProblem);
    assert.equal(error.problem.status, 400);
    return error.problem.detail;
  }
  throw new Error(`${url} was accepted`);
}

describe('parseN()', () => {
  for (const [query, n] of [
    ['', undefined],
    ['?', undefined],
    ['?m=7', undefined],
    ['?n=0', 0],
    ['?n=20', 20],
    ['?n=40', 40],
    ['?a=b&n=%37', 7],
  ] as const) {
    test(`takes ${query || 'no query'} for ${n}`, () => {
      assert.equal(parseN(`http://x/payload${query}`, 40), n);
    });
  }

  for (const query of [
    'n=',
    'n=41',
    'n=-1',
    'n=-0',
    'n=%2B1',
    'n=+1',
    'n=1.5',
    'n=1e3',
    'n=0x10',
    'n=007',
    'n=%20',
    'n=NaN',
    'n=%zz',
    'n=%ff',
    'n=٣',
    'n=9'.padEnd(400, '9'),
  ]) {
    test(`refuses ${query.slice(0, 20)} and tells the range`, () => {
      assert.match(
        refusalOf(`http://x/payload?${query}`),
        /^n is ".*": expected a whole number from 0 to 40$/,
      );
    });
  }

  test('refuses an n that is given twice', () => {
    assert.equal(refusalOf('http://x/payload?n=1&n=1'), 'n is given 2 times: expected once');
  });

  test('shows at most 40 characters of a refused value', () => {
    assert.ok(refusalOf(`http://x/payload?n=${'9'.repeat(10_000)}`).length < 120);
  });

  test('either refuses with 400 or returns a whole number in range, whatever the query', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.integer().map((n) => `n=${n}`),
          fc.double().map((n) => `n=${n}`),
        ),
        (query) => {
          try {
            const n = parseN(`http://x/payload?${query}`, 40);
            assert.ok(n === undefined || (Number.isInteger(n) && n >= 0 && n <= 40));
          } catch (error) {
            assert.ok(error instanceof HttpProblem);
            assert.equal(error.problem.status, 400);
          }
        },
      ),
    );
  });
});
