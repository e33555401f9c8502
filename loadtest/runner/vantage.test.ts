import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from '../kube/field.ts';
import { chooseNodes, parseVantage } from './vantage.ts';

const node = (name: string, spec: object = {}, status = 'True') =>
  new Field({ metadata: { name }, spec, status: { conditions: [{ type: 'Ready', status }] } });
const nodes = [
  node('a'),
  node('b', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }),
  node('cordoned', { unschedulable: true }),
  node('control-plane', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }),
  node('down', {}, 'Unknown'),
];

describe('parseVantage()', () => {
  test('takes a node, or each', () => {
    assert.deepEqual(parseVantage('node/a-1.example'), { kind: 'node', name: 'a-1.example' });
    assert.deepEqual(parseVantage('each-node'), { kind: 'each-node' });
  });

  for (const text of ['', 'a', 'node/', 'node/a/b', 'each']) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseVantage(text), /must be node\/NAME or each-node/);
    });
  }
});

describe('chooseNodes()', () => {
  test('each node is each that takes pods', () => {
    assert.deepEqual(chooseNodes(nodes, [{ kind: 'each-node' }]), ['a', 'b']);
  });

  test('has each node once', () => {
    assert.deepEqual(chooseNodes(nodes, [parseVantage('node/b'), parseVantage('each-node')]), ['b', 'a']);
  });

  test('refuses a node that is not there, or takes no pods, and none at all', () => {
    assert.throws(
      () => chooseNodes(nodes, [parseVantage('node/z')]),
      /no such node; those that take pods are a, b/,
    );
    assert.throws(() => chooseNodes(nodes, [parseVantage('node/cordoned')]), /takes no pods now/);
    assert.throws(() => chooseNodes([], [parseVantage('each-node')]), /no node takes pods now/);
  });
});
