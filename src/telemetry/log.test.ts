import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type AccessLog, createLogger, LOG_LEVELS, type Logger, type LogLevel } from './log.ts';

function createScene(
  level: LogLevel = 'debug',
  accessLog: AccessLog = 'all',
): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({
    level,
    accessLog,
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

  const request = { requestId: 'id', route: '/health', durationMs: 1, bytes: 3 };

  test('tells a request with its fields, at the level of its status, before the identity', () => {
    const { log, lines } = createScene();
    for (const [method, status, route] of [
      ['GET', 499, '/health'],
      ['GET', 500, '/health'],
      ['GET', 500, '/health'],
      ['GET', 500, '/ready'],
      ['HEAD', 200, '/health'],
    ] as const) {
      log.access({ ...request, method, status, route });
    }
    const line = (level: string, method: string, status: number, route: string) =>
      `{"level":"${level}","time":"2023-11-14T22:13:20.123Z","message":"request","requestId":"id","method":"${method}","route":"${route}","status":${status},"durationMs":1,"bytes":3,"pod":"pod-1","version":"1.2.3"}\n`;
    assert.deepEqual(lines, [
      line('info', 'GET', 499, '/health'),
      line('error', 'GET', 500, '/health'),
      line('error', 'GET', 500, '/health'),
      line('error', 'GET', 500, '/ready'),
      line('info', 'HEAD', 200, '/health'),
    ]);
  });

  for (const [accessLog, statuses] of [
    ['all', [200, 399, 400, 503]],
    ['errors', [400, 503]],
    ['off', []],
  ] as const) {
    test(`with the access log at ${accessLog} tells ${statuses.join(', ') || 'no request'}`, () => {
      const { log, lines } = createScene('debug', accessLog);
      for (const status of [200, 399, 400, 503]) log.access({ ...request, method: 'GET', status });
      assert.deepEqual(
        lines.map((line) => JSON.parse(line).status),
        statuses,
      );
    });
  }

  test('cuts a method after 32 characters', () => {
    const { log, lines } = createScene();
    log.access({ ...request, method: 'X'.repeat(33), status: 405 });
    assert.equal(JSON.parse(lines[0] ?? '').method, 'X'.repeat(32));
  });

  test('writes a line without fields, and the time of each', () => {
    const lines: string[] = [];
    let nowMs = 0;
    const log = createLogger({
      level: 'info',
      accessLog: 'all',
      identity: { pod: 'p', version: 'v' },
      write: (line) => void lines.push(line),
      wallClock: () => nowMs,
    });
    for (nowMs of [0, 0, 1_000]) log.info('x');
    const line = (second: number) =>
      `{"level":"info","time":"1970-01-01T00:00:0${second}.000Z","message":"x","pod":"p","version":"v"}\n`;
    assert.deepEqual(lines, [line(0), line(0), line(1)]);
  });
});
