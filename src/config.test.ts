import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConfigError, parseConfig, SETTINGS } from './config.ts';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults;
  }
  return [];
}

describe('parseConfig()', () => {
  test('takes the documented defaults for an empty environment', () => {
    const config = parseConfig({});
    assert.equal(config.port, 3000);
    assert.equal(config.maxRandomNumber, 20);
    assert.equal(config.lameDuckMs, 2_000);
    assert.equal(config.drainTimeoutMs, 25_000);
  });

  test('takes an empty value for unset', () => {
    assert.equal(parseConfig({ PORT: '' }).port, 3000);
  });

  test('takes what the process knows where the environment says nothing', () => {
    const known = { APP_VERSION: '1.2.3' };
    assert.equal(parseConfig({ APP_VERSION: '' }, known).version, '1.2.3');
    assert.equal(parseConfig({ APP_VERSION: '2.0.0' }, known).version, '2.0.0');
    assert.equal(parseConfig({}, { APP_VERSION: undefined }).version, 'dev');
  });

  for (const [variable, accepted, refused] of [
    ['PORT', ['0', '65535'], ['-1', '65536', '3e3', '0x10', '03000', ' 80', '80 ', '8.0', 'http']],
    ['MAX_RANDOM_NUMBER', ['0', '40'], ['-1', '79', 'NaN', 'Infinity']],
    ['PAYLOAD_MAX_N', ['20', '78'], ['79', '99999999999999999999']],
    ['PAYLOAD_TIMEOUT_MS', ['1', '60000'], ['0', '60001']],
    ['WORKERS', ['1', '64'], ['0', '65']],
    ['QUEUE_LENGTH', ['0', '10000'], ['10001']],
    ['LAME_DUCK_MS', ['0', '600000'], ['600001', '2s']],
    ['DRAIN_TIMEOUT_MS', ['0', '600000'], ['600001']],
    ['LOG_LEVEL', ['debug', 'error'], ['INFO', 'trace']],
    ['ACCESS_LOG', ['all', 'errors', 'off'], ['none']],
    ['POD_NAME', ['a', 'x'.repeat(253)], ['with space', 'line\nfeed', 'x'.repeat(254), 'é']],
  ] as const) {
    for (const value of accepted) {
      test(`accepts ${variable}=${value.slice(0, 20)}`, () => {
        assert.deepEqual(faultsOf({ [variable]: value }), []);
      });
    }
    for (const value of refused) {
      test(`refuses ${variable}=${JSON.stringify(value.slice(0, 20))}, naming it and the range`, () => {
        const [fault = '', ...more] = faultsOf({ [variable]: value });
        assert.deepEqual(more, []);
        assert.ok(fault.startsWith(`${variable} is "`), fault);
        assert.match(fault, /: expected (a whole number from \d+ to \d+|`|1 to 253)/);
        assert.ok(fault.includes(JSON.stringify(value.slice(0, 20)).slice(1, -1)), fault);
      });
    }
  }

  test('reports every fault at once', () => {
    const faults = faultsOf({ PORT: 'x', LOG_LEVEL: 'loud', WORKERS: '0' });
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[0]),
      ['PORT', 'WORKERS', 'LOG_LEVEL'],
    );
  });

  test('holds MAX_RANDOM_NUMBER to PAYLOAD_MAX_N', () => {
    assert.deepEqual(faultsOf({ MAX_RANDOM_NUMBER: '41', PAYLOAD_MAX_N: '40' }), [
      'MAX_RANDOM_NUMBER is "41": expected at most PAYLOAD_MAX_N, which is "40"',
    ]);
    assert.deepEqual(faultsOf({ MAX_RANDOM_NUMBER: '40', PAYLOAD_MAX_N: '40' }), []);
  });

  test('never throws anything but a ConfigError, whatever the environment holds', () => {
    const variables = Object.values(SETTINGS).map(({ variable }) => variable);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...variables), fc.string({ unit: 'binary' })), (env) => {
        faultsOf(env);
      }),
    );
  });

  for (const [length, shown] of [
    [80, `"${'ä'.repeat(80)}"`],
    [81, `"${'ä'.repeat(80)}…"`],
  ] as const) {
    test(`shows ${Math.min(length, 80)} characters of a value of ${length}`, () => {
      assert.deepEqual(faultsOf({ HOST: 'ä'.repeat(length) }), [
        `HOST is ${shown}: expected 1 to 253 visible ASCII characters`,
      ]);
    });
  }

  test('lists the choices of a setting that has some', () => {
    assert.deepEqual(faultsOf({ ACCESS_LOG: 'some' }), [
      'ACCESS_LOG is "some": expected `all`, `errors`, `off`',
    ]);
  });

  test('throws an error that holds all faults in one message', () => {
    assert.throws(() => parseConfig({ PORT: 'x', WORKERS: '0' }), {
      name: 'ConfigError',
      message:
        'PORT is "x": expected a whole number from 0 to 65535; WORKERS is "0": expected a whole number from 1 to 64',
    });
  });
});
