import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './log.ts';

function createScene(level: LogLevel = 'debug'): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({
    level,
    accessLog: 'all',
    identity: { pod: 'pod-1', version: '1.2.3' },
    write: (line) => void lines.push(line),
    wallClock: () => 1_700_000_000_123,
  });
  return { log, lines };
}

describe('logger', () => {
  test('writes level, time and message first, the identity last', () => {
    const { log, lines } = createScene();
    log.warn('attention', { n: 1 });
    assert.deepEqual(lines, [
      '{"level":"warn","time":"2023-11-14T22:13:20.123Z","message":"attention","n":1,"pod":"pod-1","version":"1.2.3"}\n',
    ]);
  });

  for (const [index, level] of LOG_LEVELS.entries()) {
    test(`at level ${level} writes it and what is above`, () => {
      const { log, lines } = createScene(level);
      for (const each of LOG_LEVELS) log[each]('x');
      assert.deepEqual(
        lines.map((line) => JSON.parse(line).level),
        LOG_LEVELS.slice(index),
      );
    });
  }

  test('tells errors with their stack', () => {
    const { log, lines } = createScene();
    log.error('failed', { error: new RangeError('too far') });
    const { error } = JSON.parse(lines[0] ?? '');
    assert.equal(error.name, 'RangeError');
    assert.equal(error.message, 'too far');
    assert.match(error.stack, /log\.test\.ts/);
  });

  test('writes one line of valid JSON, whatever message and fields hold', () => {
    const { log, lines } = createScene();
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (message, fields) => {
          lines.length = 0;
          log.info(message, fields);
          const [line = ''] = lines;
          assert.equal(line.indexOf('\n'), line.length - 1);
          JSON.parse(line);
        },
      ),
    );
  });

  test('escapes a method in the access log', () => {
    const { log, lines } = createScene();
    const request = { requestId: 'id', route: '/health', status: 405, durationMs: 0.12345, bytes: 3 };
    log.access({ ...request, method: 'A"\n' });
    assert.equal(JSON.parse(lines[0] ?? '').method, 'A"\n');
    assert.equal(JSON.parse(lines[0] ?? '').durationMs, 0.123);
  });
});
