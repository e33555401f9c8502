import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readName } from './pod-name.ts';

for (const [body, before, name] of [
  ['{"hostname":"web-1","a":1}', '"hostname":"', 'web-1'],
  ['Hostname: web-1.\n', 'Hostname: ', 'web-1'],
  ['Hostname: web.shop\n', 'Hostname: ', 'web.shop'],
  ['Hostname: ', 'Hostname: ', null],
  ['Hostname: -', 'Hostname: ', null],
  ['\x1f\x8b\x08', 'Hostname: ', null],
] as const) {
  test(`readName() of ${JSON.stringify(body)} is ${name}`, () => assert.equal(readName(body, before), name));
}
