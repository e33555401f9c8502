import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sample } from '../load/reach.ts';
import { findNameField } from './name-field.ts';

const pods = new Set(['web-5d4f-aaaaa', 'web-5d4f-bbbbb']);
const identities = new Set([...pods, '10.0.0.7', '10.0.0.8', '0b5c-1', '0b5c-2']);
const [a, b] = [...pods] as [string, string];
const head = (headers: Record<string, string>): Sample => ({ headers, body: '' });
const body = (text: string): Sample => ({ headers: { 'content-type': 'application/json' }, body: text });

describe('findNameField()', () => {
  for (const [what, samples, field] of [
    [
      'a header',
      [head({ 'x-served-by': a }), head({ 'x-served-by': b })],
      { kind: 'header', name: 'x-served-by' },
    ],
    [
      'a header that some routes lack',
      [head({ 'x-served-by': a }), head({}), head({ 'x-served-by': a })],
      { kind: 'header', name: 'x-served-by' },
    ],
    [
      'the body of podinfo',
      [
        body(`{\n  "hostname": "${a}",\n  "version": "6.14.1"\n}`),
        body(`{\n  "hostname": "${b}",\n  "version": "6.14.1"\n}`),
      ],
      { kind: 'body', before: '  "hostname": "' },
    ],
    [
      'the body of whoami',
      [body(`Hostname: ${a}\nIP: 10.0.0.1\n`), body(`Hostname: ${b}\nIP: 10.0.0.2\n`)],
      { kind: 'body', before: 'Hostname: ' },
    ],
    [
      'the header rather than the body',
      [head({ pod: a }), body(`Hostname: ${a}`), head({ pod: b })],
      { kind: 'header', name: 'pod' },
    ],
    [
      'addresses with their ports, as nginx tells its upstream',
      [head({ 'x-upstream': '10.0.0.7:8080' }), head({ 'x-upstream': '10.0.0.8:8080' })],
      { kind: 'header', name: 'x-upstream' },
    ],
    [
      'nothing in addresses of others',
      [head({ 'x-upstream': '10.0.0.7:8080' }), head({ 'x-upstream': '10.0.0.9:8080' })],
      null,
    ],
    [
      'UIDs in the body',
      [body('{"uid":"0b5c-1"}'), body('{"uid":"0b5c-2"}')],
      { kind: 'body', before: '{"uid":"' },
    ],
    ['nothing in one response alone', [head({ 'x-served-by': a }), head({})], null],
    [
      'nothing in the names of another service',
      [head({ 'x-pod': 'api-1' }), head({ 'x-pod': 'api-2' })],
      null,
    ],
    [
      'nothing in a header that names others as well',
      [head({ via: a }), head({ via: a }), head({ via: 'edge-1' })],
      null,
    ],
    [
      'nothing in a body that names others as well',
      [body(`Hostname: ${a}`), body(`Hostname: ${a}`), body('Hostname: edge')],
      null,
    ],
    ['nothing in a body that is the name alone', [body(a), body(b)], null],
    ['nothing without responses', [], null],
  ] as const) {
    test(`finds ${what}`, () => assert.deepEqual(findNameField(samples, identities), field));
  }
});
