import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatContractMarkdown, toContractExit, toContractSuite } from './contract-results.ts';
import type { Point } from './points.ts';

const held: Point = { name: 'becomes ready', isHeld: true, found: '12 ms after its start' };
const broken: Point = { name: 'exits with code 0', isHeld: false, found: 'code 143' };
const unknown: Point = { name: 'finishes requests', isHeld: null, found: 'no --slow' };

describe('toContractExit()', () => {
  for (const [points, exit] of [
    [[held], 'proven'],
    [[held, unknown], 'inconclusive'],
    [[held, broken, unknown], 'failed'],
  ] as const) {
    test(`${points.map(({ isHeld }) => isHeld).join(', ')}: ${exit}`, () => {
      assert.equal(toContractExit(points), exit);
    });
  }
});

test('toContractSuite() has a case for each point', () => {
  const { cases, startedAt } = toContractSuite([held, broken, unknown], 1_000, 2_000);
  assert.equal(startedAt, '1970-01-01T00:00:01.000Z');
  assert.deepEqual(
    cases.map(({ name, result }) => [name, result.kind]),
    [
      ['becomes ready', 'passed'],
      ['exits with code 0', 'failure'],
      ['finishes requests', 'error'],
    ],
  );
});

test('formatContractMarkdown() has the tally and the points', () => {
  const text = formatContractMarkdown([held, broken]);
  assert.ok(
    text.startsWith('## ✗ Failed: contract of a clean shutdown\n\n**1 held, 1 broken, 0 not shown.**'),
  );
  assert.ok(text.includes('| exits with code 0 | BROKEN | code 143 |'));
});
