import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { createPodResponses } from './pod-responses.ts';

describe('createPodResponses()', () => {
  const responses = createPodResponses(({ pod }) => pod);
  for (const changes of [
    { endMs: 30, pod: 'a', endpoint: 0, from: 'node-1' },
    { endMs: 20, pod: 'a', endpoint: 1, from: 'node-2' },
    { endMs: 25, pod: 'a', endpoint: 1, from: 'node-1' },
    { endMs: 40, pod: null },
    { endMs: 5, pod: 'b', outcome: 'http_503' },
  ] as const) {
    responses.add(createSettlement(changes));
  }

  test('knows when each pod first answered ok, and each endpoint of it', () => {
    assert.deepEqual([...responses.answered], [['a', 20]]);
    assert.deepEqual([...responses.answeredFrom], [['a', 'node-2']]);
    assert.deepEqual(
      [0, 1, 2, null].map((endpoint) => responses.firstOkMs('a', endpoint)),
      [30, 20, null, 20],
    );
    assert.equal(responses.firstOkMs('b', null), null);
  });

  test('knows the first and the last ok response, whoever gave it', () => {
    assert.deepEqual(responses.okSpan, { firstMs: 20, lastMs: 40 });
    assert.equal(createPodResponses(() => null).okSpan, null);
  });
});
