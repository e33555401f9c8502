import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from './field.ts';
import { toPodAddress } from './pod-address.ts';

const containers = [
  { name: 'proxy', ports: [{ name: 'metrics', containerPort: 9_090 }] },
  { name: 'web', ports: [{ containerPort: 8_081 }, { name: 'http', containerPort: 8_080 }] },
];

describe('toPodAddress()', () => {
  for (const [podIP, port, expected] of [
    ['10.0.0.7', 3_000, { host: '10.0.0.7', port: 3_000 }],
    ['10.0.0.7', 'http', { host: '10.0.0.7', port: 8_080 }],
    ['fd00::7', 'metrics', { host: 'fd00::7', port: 9_090 }],
    ['10.0.0.7', 'grpc', null],
    ['10.0.0.7', null, null],
    ['', 3_000, null],
    [undefined, 3_000, null],
  ] as const) {
    test(`at ${podIP}, port ${port}: ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(toPodAddress(new Field({ spec: { containers }, status: { podIP } }), port), expected);
    });
  }

  test('a pod that has ended has none, though it is still there: another may have got it', () => {
    const status = { podIP: '10.0.0.7', phase: 'Failed' };
    assert.equal(toPodAddress(new Field({ spec: { containers }, status }), 3_000), null);
  });
});
