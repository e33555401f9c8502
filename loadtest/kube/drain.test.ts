import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toApiFault } from './api.ts';
import { judgeRefusal, toBusiestNode } from './drain.ts';
import { Field } from './field.ts';

describe('judgeRefusal()', () => {
  for (const [error, verdict] of [
    [toApiFault(404, 'not found'), 'gone'],
    [toApiFault(429, 'it would violate the budget'), 'later'],
    [toApiFault(500, 'This pod has more than one PodDisruptionBudget'), 'never'],
    [toApiFault(500, 'etcd is not there'), 'unknown'],
    [toApiFault(403, 'forbidden'), 'unknown'],
    [toApiFault(null, 'no response'), 'unknown'],
    [new Error('none of the API server'), 'unknown'],
  ] as const) {
    test(`${error.message}: ${verdict}`, () => assert.equal(judgeRefusal(error), verdict));
  }
});

describe('toBusiestNode()', () => {
  for (const [nodes, busiest] of [
    [['a', 'b', 'b'], 'b'],
    [['a', 'b'], 'a'],
    [[], ''],
  ] as const) {
    test(`${nodes}: ${busiest}`, () =>
      assert.equal(toBusiestNode(nodes.map((nodeName) => new Field({ spec: { nodeName } }))), busiest));
  }
});
