import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findPidOne, takesSignal, toShellArgv } from './pid-one.ts';

/** With these sets of signals: bit n stands for signal n + 1. */
const toStatus = (sets: { blocked?: string; ignored?: string; caught?: string }) =>
  [
    'Name:\tserver',
    'SigQ:\t0/127',
    `SigBlk:\t${sets.blocked ?? '0000000000000000'}`,
    `SigIgn:\t${sets.ignored ?? '0000000000000000'}`,
    `SigCgt:\t${sets.caught ?? '0000000000000000'}`,
  ].join('\n');

describe('takesSignal()', () => {
  for (const [what, status, signal, expected] of [
    ['no handlers', toStatus({}), 'SIGTERM', false],
    ['a handler', toStatus({ caught: '0000000000004000' }), 'SIGTERM', true],
    ['handlers for its neighbors', toStatus({ caught: '000000000000a000' }), 'SIGTERM', false],
    ['a handler for the last signal of all', toStatus({ caught: '8000000000000000' }), 'SIGTERM', false],
    ['SIGTERM ignored', toStatus({ ignored: '0000000000004000' }), 'SIGTERM', false],
    ['SIGTERM blocked, to be waited for', toStatus({ blocked: 'fffffffe7ffbfeff' }), 'SIGTERM', true],
    ['a handler for another', toStatus({ caught: '0000000000004000' }), 'SIGINT', false],
    ['no handlers', toStatus({}), 'SIGKILL', true],
    ['no handlers', toStatus({}), 'SIGSTOP', true],
    ['ended', '', 'SIGTERM', false],
  ] as const) {
    test(`${signal} of a process with ${what}: ${expected}`, () =>
      assert.equal(takesSignal(status, signal), expected));
  }
});

describe('toShellArgv()', () => {
  test('adds nothing where no namespace is asked for', () => {
    for (const pidOne of ['handlers', 'none'] as const) {
      assert.deepEqual(toShellArgv('exec true', pidOne), ['/bin/sh', '-c', 'exec true']);
    }
  });

  test('leaves the user who they are in a namespace', () => {
    const argv = toShellArgv('exec true', 'namespace');
    assert.equal(argv.includes('--map-current-user'), process.getuid?.() !== 0);
    assert.deepEqual(argv.slice(-3), ['/bin/sh', '-c', 'exec true']);
  });
});

describe('findPidOne()', () => {
  test('asks for unshare, and does without where it is missing', async () => {
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      assert.notEqual(await findPidOne(), 'namespace');
    } finally {
      process.env.PATH = PATH;
    }
  });
});
