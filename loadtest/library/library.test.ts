import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toFlags } from './library.ts';

describe('toFlags()', () => {
  for (const [values, expected] of [
    [{}, []],
    [{ preStop: '5s', noPodProbes: true }, ['--pre-stop=5s', '--no-pod-probes']],
    [{ force: false, rate: undefined }, []],
    [{ rate: 0, fresh: 0.5 }, ['--rate=0', '--fresh=0.5']],
    [{ endpoint: ['GET /', 'GET /-x'], without: [] }, ['--endpoint=GET /', '--endpoint=GET /-x']],
    [{ command: '--not a flag' }, ['--command=--not a flag']],
  ] as const) {
    test(JSON.stringify(values), () => assert.deepEqual(toFlags(values), expected));
  }
});
