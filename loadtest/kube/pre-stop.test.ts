import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from './field.ts';
import { type PreStop, toPreStop, untilSigtermMs } from './pre-stop.ts';

const read = (preStop: unknown) => toPreStop(new Field({ lifecycle: { preStop } }));
const sh = (script: string) => ['sh', '-c', script];

/** `12` where the length is known, `at least 12, PROGRAM` where it is not; then when it ends the server. */
function show(preStop: PreStop): string {
  if (preStop.kind === 'none') return 'none';
  const end =
    preStop.endsServerAfterMs === null ? '' : `, ends the server after ${preStop.endsServerAfterMs}`;
  const length = preStop.kind === 'known' ? `${preStop.ms}` : `at least ${preStop.atLeastMs}, ${preStop.why}`;
  return length + end;
}

describe('toPreStop() of a command', () => {
  const table: readonly (readonly [readonly string[], string])[] = [
    [['sleep', '15'], '15000'],
    [['/bin/sleep', '30'], '30000'],
    [['/bin/sleep', '7s'], '7000'],
    [['sleep', '1m'], '60000'],
    [['sleep', '1m', '30s'], '90000'],
    [['sleep', '.5'], '500'],
    [['sleep', 'infinity'], 'Infinity'],
    [['sleep', 'soon'], 'at least 0, sleep soon'],
    // No such program: it fails, and SIGTERM follows.
    [['sleep 15'], '0'],
    [['sh', '-c', 'sleep', '15'], '0'],
    [['sh', 'sleep', '15'], 'at least 0, sh'],
    [['nosleep', '7'], 'at least 0, nosleep'],
    [['/wait-shutdown'], 'at least 0, /wait-shutdown'],
    [['python3', '-c', 'import time; time.sleep(15)'], 'at least 0, python3'],
    [['/bin/true'], '0'],
    [['/usr/sbin/nginx', '-s', 'quit'], '0, ends the server after 0'],
    [['nginx', '-c', '/etc/nginx.conf', '-s', 'stop'], '0, ends the server after 0'],
    [['nginx', '-s', 'reload'], '0'],
    [['kill', '-s', 'TERM', '1'], '0, ends the server after 0'],
    [['/skill', '-9'], 'at least 0, /skill'],
    [['/bin/sh', '-c', 'sleep 5; nginx -s quit'], '5000, ends the server after 5000'],
    [['bash', '-euo', 'pipefail', '-c', 'sleep 2'], '2000'],
    [sh('sleep 1m'), '60000'],
    [sh('sleep 10 || true'), '10000'],
    [sh('sleep  7 && nginx -s quit'), '7000, ends the server after 7000'],
    [sh('sleep 3 && sleep 2'), '5000'],
    [sh('exec sleep 4'), '4000'],
    [sh('sleep 3 > /dev/null 2>&1; true'), '3000'],
    [sh('sleep "6"'), '6000'],
    [sh('touch /tmp/x; sleep 3 && nginx -s quit'), '3000, ends the server after 3000'],
    [sh('sleep 1; nginx -s quit; sleep 3'), '4000, ends the server after 1000'],
    [sh('kill -HUP 1; sleep 3'), '3000'],
    [sh('kill -QUIT $(cat /run/nginx.pid)'), '0, ends the server after 0'],
    [sh('echo bye'), '0'],
    [sh('echo "sleep 9"'), '0'],
    [sh('# sleep 9'), '0'],
    [sh('sleep 15 &'), '0'],
    [sh('sleep 15 & sleep 2'), '2000'],
    [sh('sleep 15 & wait'), 'at least 0, wait'],
    [sh('sleep 3 & wait-for-it'), 'at least 0, wait-for-it'],
    [sh('sleep 3; exit 0'), '3000'],
    [sh('sleep 3; false'), '3000'],
    [sh('sleep 3; curl localhost/drain'), 'at least 3000, curl'],
    [sh('curl localhost/drain; sleep 3'), 'at least 3000, curl'],
    [sh('curl localhost/drain || sleep 3'), 'at least 0, curl'],
    [sh('false || sleep 3'), 'at least 0, false'],
    [sh(`sleep \${DRAIN_SECONDS:-0}`), `at least 0, sleep \${DRAIN_SECONDS:-0}`],
    [sh('sleep $N'), 'at least 0, sleep $N'],
    [sh('for i in $(seq 1 10); do sleep 1; done'), '10000'],
    [sh('for i in `seq 3`; do echo $i; sleep 2; done; sleep 1'), '7000'],
    [sh('for i in 1 2 3; do\n sleep 1\ndone'), '3000'],
    [sh('for i in $LIST; do sleep 1; done'), 'at least 0, for'],
    [sh('for i in 1 2; do sleep 1; test -f /x && break; done'), 'at least 1000, test'],
    [
      sh('sleep 10; nginx -s quit; while pidof nginx; do sleep 1; done'),
      'at least 10000, while, ends the server after 10000',
    ],
    [
      sh('sleep 10; kill -QUIT 1; while pidof php-fpm; do sleep 1; done'),
      'at least 10000, while, ends the server after 10000',
    ],
    [sh('if test -f /x; then sleep 5; fi'), 'at least 0, if'],
    [sh('f() { sleep 5; }; f'), 'at least 0, f'],
    [sh("sleep 'unclosed"), "at least 0, sleep '"],
  ];
  for (const [command, expected] of table) {
    test(`${JSON.stringify(command)}: ${expected}`, () =>
      assert.equal(show(read({ exec: { command } })), expected));
  }
});

describe('toPreStop() of another action', () => {
  for (const [hook, expected] of [
    [undefined, 'none'],
    [null, 'none'],
    [{ sleep: { seconds: 5 } }, '5000'],
    [{ sleep: { seconds: 0 } }, '0'],
    [{ sleep: { seconds: '10' } }, 'at least 0, sleep.seconds is no number'],
    [{ httpGet: { path: '/shutdown', port: 8080 } }, 'at least 0, httpGet'],
    [{ tcpSocket: { port: 8080 } }, 'at least 0, tcpSocket'],
    [{}, 'at least 0, no action'],
  ] as const) {
    test(`${JSON.stringify(hook)}: ${expected}`, () => assert.equal(show(read(hook)), expected));
  }
});

describe('untilSigtermMs()', () => {
  for (const [what, hook, graceMs, expected] of [
    ['no hook', undefined, 30_000, 0],
    ['a hook shorter than grace', { sleep: { seconds: 5 } }, 30_000, 5_000],
    ['a hook longer than grace', { sleep: { seconds: 60 } }, 30_000, 30_000],
    ['one without end', { exec: { command: ['sleep', 'infinity'] } }, 30_000, 30_000],
    ['one whose length is not known', { exec: { command: ['/wait'] } }, 30_000, null],
    ['one not known, of more than grace', { exec: { command: sh('sleep 60; /wait') } }, 30_000, 30_000],
    ['one not known, which is not run', { exec: { command: ['/wait'] } }, 0, 0],
  ] as const) {
    test(`${what}: ${expected}`, () => assert.equal(untilSigtermMs(read(hook), graceMs), expected));
  }
});
