import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Exchange } from './client.ts';
import type { IdleObservation } from './idle-watch.ts';
import type { Observation } from './observation.ts';
import { toPoints } from './points.ts';

const terms = { acceptMs: 500, graceMs: 30_000, idleMs: 75_000 };
const answer = (sentMs: number, status = 200, isClosing = sentMs >= 0): Exchange => ({
  sentMs,
  endMs: sentMs + 5,
  status,
  isClosing,
  failure: null,
});
const failed = (sentMs: number, failure: 'refused' | 'cut'): Exchange => ({
  ...answer(sentMs),
  status: null,
  failure,
});

const clean: Observation = {
  startMs: 50,
  readyMs: 80,
  toldMs: -20,
  ready: [answer(-100), answer(100, 503)],
  health: [answer(-100), answer(100), answer(400), answer(900)],
  fresh: [answer(-100), answer(100), answer(400)],
  kept: [answer(-100), answer(100)],
  closedIdleMs: [],
  slow: [{ ...answer(-50), endMs: 700 }],
  pairs: [
    { first: answer(-100), second: answer(-95) },
    { first: answer(100), second: null },
  ],
  half: [answer(100), answer(100)],
  firstUse: [answer(100), answer(400)],
  exit: { atMs: 1_000, code: 0, signal: null },
};

const idle: IdleObservation = {
  watchedMs: 75_000,
  exchanges: [answer(-100), answer(-100)],
  announcedMs: null,
  closed: null,
  exit: null,
};

const READY = 'SIGTERM: turns unready';
const SERVING = 'serves and is alive while ready';
const ALIVE = 'stays alive while draining';
const ACCEPT = 'keeps accepting connections for 500 ms';
const CLOSE = 'answers with Connection: close';
const ANSWERED = 'answers every request it accepted';
const SECOND = 'answers a second request right after the first';
const IDLE = 'keeps idle connections for 60 s';
const HALF = 'answers requests half sent at SIGTERM';
const FIRST_USE = 'answers on connections not used before SIGTERM';
const IN_FLIGHT = 'finishes requests in flight';

describe('toPoints()', () => {
  test('a clean shutdown holds all sixteen', () => {
    const points = toPoints(clean, idle, terms, 0);
    assert.equal(points.length, 16);
    assert.deepEqual(
      points.filter(({ isHeld }) => isHeld !== true),
      [],
    );
  });

  for (const [what, change, name, isHeld] of [
    ['503 in time', { ready: [answer(995, 503)] }, READY, true],
    ['503 too late', { ready: [answer(996, 503)] }, READY, false],
    ['503 before SIGTERM only', { ready: [answer(-1, 503)] }, READY, false],
    ['ready again after it was not', { ready: [answer(100, 503), answer(200, 200)] }, READY, false],
    ['ready until it was not', { ready: [answer(50, 200), answer(100, 503)] }, READY, true],
    ['unready before it was told', { ready: [answer(-100, 503), answer(100, 503)] }, SERVING, false],
    ['unready since it was told', { ready: [answer(-20, 503), answer(100, 503)] }, SERVING, true],
    ['refused only', { ready: [failed(10, 'refused')] }, READY, false],
    ['refused in the last moment', { fresh: [failed(499, 'refused')] }, ACCEPT, false],
    ['refused when no one should come', { fresh: [failed(500, 'refused')] }, ACCEPT, true],
    ['an end in the last moment', { exit: { atMs: 499, code: 0, signal: null } }, ACCEPT, false],
    ['an end right after', { exit: { atMs: 500, code: 0, signal: null } }, ACCEPT, true],
    ['no connection that was tried', { fresh: [], health: [] }, ACCEPT, null],
    ['a 503 while it drains', { health: [answer(100, 503)] }, ALIVE, false],
    ['no probe while it drains', { health: [] }, ALIVE, null],
    ['a probe cut while it must accept', { health: [answer(100), failed(499, 'cut')] }, ALIVE, false],
    ['a probe cut when it need not', { health: [answer(100), failed(500, 'cut')] }, ALIVE, true],
    ['a probe refused', { health: [answer(100), failed(400, 'refused')] }, ALIVE, true],
    [
      'a response at 99 ms without the word',
      { fresh: [], kept: [answer(99, 200, false), answer(150)] },
      CLOSE,
      true,
    ],
    ['a response at 100 ms without the word', { kept: [answer(100, 200, false)] }, CLOSE, false],
    ['no answer after SIGTERM', { fresh: [], kept: [answer(-5)] }, CLOSE, null],
    [
      'a connection closed in silence',
      { closedIdleMs: [20] },
      'closes no keep-alive connection unannounced',
      false,
    ],
    ['a cut request', { kept: [failed(100, 'cut')] }, ANSWERED, false],
    ['work refused by a 503', { fresh: [answer(100, 503)] }, ANSWERED, false],
    ['a 503 before SIGTERM', { kept: [answer(-50, 503), answer(100)] }, ANSWERED, true],
    ['no request', { kept: [], fresh: [] }, ANSWERED, null],
    ['a refused one was not taken', { fresh: [failed(600, 'refused')] }, ANSWERED, true],
    ['a cut slow request', { slow: [failed(-50, 'cut')] }, IN_FLIGHT, false],
    ['a slow request that fails', { slow: [{ ...answer(-50, 500), endMs: 700 }] }, IN_FLIGHT, false],
    ['a slow route that is not slow', { slow: [answer(-50)] }, IN_FLIGHT, null],
    ['a slow request done after the end', { slow: [{ ...answer(-50), endMs: 1_101 }] }, IN_FLIGHT, false],
    ['no slow route', { slow: null }, IN_FLIGHT, null],
    ['exit code 1', { exit: { atMs: 1_000, code: 1, signal: null } }, 'exits 0', false],
    ['an end by signal', { exit: { atMs: 1_000, code: null, signal: 'SIGTERM' } }, 'exits 0', false],
    ['no end, and so no code', { exit: null }, 'exits 0', null],
    ['no end', { exit: null }, 'exits within 30 s', false],
    ['a failure before SIGTERM', { kept: [answer(-50, 503)] }, SERVING, false],
  ] as const) {
    test(`${what}: ${name} is ${isHeld === null ? 'not shown' : isHeld ? 'held' : 'broken'}`, () => {
      const point = toPoints({ ...clean, ...change }, idle, terms, 0).find(
        (candidate) => candidate.name === name,
      );
      assert.equal(point?.isHeld, isHeld, point?.found);
    });
  }

  for (const [what, slow, isHeld] of [
    ['covers every moment', [-50, 150, 350], true],
    ['leaves a moment out', [-50, 360], null],
    ['ends before the last moment', [-50], null],
    ['one of them is refused', [-50, 150, 350, 'refused'], true],
  ] as const) {
    test(`where SIGTERM comes within 500 ms, and slow work ${what}, it is ${isHeld === null ? 'not shown' : 'held'}`, () => {
      const exchanges = slow.map((at) =>
        at === 'refused' ? failed(400, 'refused') : { ...answer(at), endMs: at + 400 },
      );
      const point = toPoints({ ...clean, slow: exchanges }, idle, terms, 500).find(
        ({ name }) => name === IN_FLIGHT,
      );
      assert.equal(point?.isHeld, isHeld, point?.found);
    });
  }

  test('where SIGTERM may come later, the server may know of it so much later', () => {
    const isHeld = (change: Partial<Observation>, name: string) =>
      toPoints({ ...clean, ...change }, idle, terms, 500).find((point) => point.name === name)?.isHeld;
    assert.equal(isHeld({ ready: [answer(1_495, 503)] }, READY), true);
    assert.equal(isHeld({ ready: [answer(1_496, 503)] }, READY), false);
    assert.equal(isHeld({ kept: [answer(599, 200, false), answer(650)] }, CLOSE), true);
    assert.equal(isHeld({ kept: [answer(600, 200, false)] }, CLOSE), false);
  });

  for (const [what, change, isHeld] of [
    ['refused before it may be, however early SIGTERM came', { fresh: [failed(499, 'refused')] }, false],
    ['refused when it may be, had SIGTERM come early', { fresh: [failed(500, 'refused')] }, null],
    ['refused in the last moment that counts', { health: [failed(1_499, 'refused')] }, null],
    ['refused after that', { fresh: [failed(1_500, 'refused')] }, true],
    ['an end before it may be', { exit: { atMs: 499, code: 0, signal: null } }, false],
    ['an end when it may be, had SIGTERM come early', { exit: { atMs: 1_499, code: 0, signal: null } }, null],
    ['an end after that', { exit: { atMs: 1_500, code: 0, signal: null } }, true],
  ] as const) {
    test(`where SIGTERM comes within 1 s, ${what}: ${ACCEPT} is ${isHeld === null ? 'not shown' : isHeld ? 'held' : 'broken'}`, () => {
      const seen = { ...clean, exit: { atMs: 2_000, code: 0, signal: null }, ...change };
      const point = toPoints(seen, idle, terms, 1_000).find(({ name }) => name === ACCEPT);
      assert.equal(point?.isHeld, isHeld, point?.found);
    });
  }

  test('an end that was not seen is none', () => {
    const point = toPoints({ ...clean, exit: null }, idle, terms, 1_000).find(({ name }) => name === ACCEPT);
    assert.equal(point?.isHeld, true);
  });

  test('tells of a clean shutdown what was seen, point by point', () => {
    assert.deepEqual(
      toPoints(clean, idle, terms, 0).map(({ name, found }) => `${name}: ${found}`),
      [
        'accepts connections: 50 ms after its start',
        'becomes ready: 80 ms after its start',
        'serves and is alive while ready: 4 responses',
        'answers a second request right after the first: 1 requests',
        'keeps idle connections for 60 s: all 2 still open after 75 s',
        'SIGTERM: turns unready: status 503 105 ms after SIGTERM',
        'keeps accepting connections for 500 ms: all 4 of that time',
        'stays alive while draining: 3 probes succeeded',
        'answers requests half sent at SIGTERM: 2 requests',
        'answers on connections not used before SIGTERM: 2 requests',
        'answers with Connection: close: on all 3 responses after SIGTERM',
        'closes no keep-alive connection unannounced: none',
        'answers every request it accepted: 3 requests',
        'finishes requests in flight: 1 of 750 ms, the last done 700 ms after SIGTERM',
        'exits 0: code 0',
        'exits within 30 s: 1 s after SIGTERM',
      ],
    );
  });

  for (const [what, change, name, isHeld, found] of [
    [
      'nothing was asked before',
      { ready: [], health: [], fresh: [], kept: [] },
      SERVING,
      null,
      '0 responses',
    ],
    [
      'two failed before',
      { health: [failed(-60, 'cut'), answer(-50, 404), answer(-40)] },
      SERVING,
      false,
      '2 of 6 failed: cut',
    ],
    ['a probe ended at the very moment', { health: [{ ...answer(-5, 503) }] }, SERVING, true, '3 responses'],
    [
      'a readiness probe ended when it was told',
      { ready: [answer(-25, 503), answer(0, 503)] },
      SERVING,
      true,
      '3 responses',
    ],
    ['it was never unready', { ready: [answer(100)] }, READY, false, 'stayed ready'],
    [
      'it is ready again',
      { ready: [answer(0, 503), answer(200), answer(300)] },
      READY,
      false,
      'status 503 5 ms after SIGTERM, and ready again at 205 ms',
    ],
    [
      'a probe failed before it was unready',
      { ready: [failed(10, 'cut'), answer(20, 503)] },
      READY,
      true,
      'status 503 25 ms after SIGTERM',
    ],
    ['nothing was tried', { fresh: [], health: [] }, ACCEPT, null, 'no connection was tried in that time'],
    [
      'only what came too late was tried',
      { fresh: [answer(500)], health: [answer(-1)] },
      ACCEPT,
      null,
      'no connection was tried in that time',
    ],
    ['something was tried at once', { fresh: [answer(0)], health: [] }, ACCEPT, true, 'all 1 of that time'],
    [
      'nothing was tried before the end',
      { fresh: [], health: [], exit: { atMs: 499, code: 0, signal: null } },
      ACCEPT,
      false,
      'none from 499 ms after SIGTERM',
    ],
    [
      'nothing was tried, and it ended as it might',
      { fresh: [], health: [], exit: { atMs: 500, code: 0, signal: null } },
      ACCEPT,
      null,
      'no connection was tried in that time',
    ],
    [
      'it ended as soon as it might',
      { exit: { atMs: 500, code: 0, signal: null } },
      ACCEPT,
      true,
      'all 4 of that time',
    ],
    ['a cut connection was taken', { fresh: [failed(10, 'cut')] }, ACCEPT, true, 'all 3 of that time'],
    [
      'the first of two was refused early',
      { fresh: [failed(300, 'refused'), failed(200, 'refused')] },
      ACCEPT,
      false,
      'none from 200 ms after SIGTERM',
    ],
    [
      'a probe fails at SIGTERM',
      { health: [answer(-1, 503), answer(0, 503)] },
      ALIVE,
      false,
      'status 503 5 ms after SIGTERM',
    ],
    [
      'no probe was taken',
      { health: [answer(-10), failed(400, 'refused'), failed(600, 'cut')] },
      ALIVE,
      null,
      '0 probes succeeded',
    ],
    [
      'a probe is answered late, and badly',
      { health: [answer(900, 500)] },
      ALIVE,
      false,
      'status 500 905 ms after SIGTERM',
    ],
    [
      'two of three say nothing',
      { kept: [answer(100, 200, false), answer(200)], fresh: [answer(300, 503, false)] },
      CLOSE,
      false,
      'missing from 2 of 3 responses after SIGTERM',
    ],
    [
      'nothing was answered',
      { kept: [failed(100, 'cut')], fresh: [answer(50)] },
      CLOSE,
      null,
      'no response came after SIGTERM',
    ],
    [
      'two connections were closed',
      { closedIdleMs: [20, 30] },
      'closes no keep-alive connection unannounced',
      false,
      '2 closed, the first 20 ms after SIGTERM',
    ],
    [
      'one was closed just before',
      { closedIdleMs: [-3] },
      'closes no keep-alive connection unannounced',
      false,
      '1 closed, the first 0 ms after SIGTERM',
    ],
    [
      'two of three were lost',
      { kept: [failed(300, 'cut'), answer(400)], fresh: [answer(100, 503)] },
      ANSWERED,
      false,
      '2 of 3 lost, the first by status 503 105 ms after SIGTERM',
    ],
    [
      'one ended at SIGTERM itself',
      { kept: [{ ...answer(-5), failure: 'cut', status: null }], fresh: [] },
      ANSWERED,
      false,
      '1 of 1 lost, the first by cut 0 ms after SIGTERM',
    ],
    [
      'two second requests were lost',
      {
        pairs: [
          { first: answer(-100), second: answer(-95) },
          { first: answer(-60), second: failed(-55, 'cut') },
          { first: answer(-20), second: answer(-15, 503) },
        ],
      },
      SECOND,
      false,
      '2 of 3 lost, the first by cut 50 ms before SIGTERM',
    ],
    [
      'a second request was lost while it drained',
      { pairs: [{ first: answer(90, 200, false), second: failed(95, 'cut') }] },
      SECOND,
      false,
      '1 of 1 lost, the first by cut 100 ms after SIGTERM',
    ],
    [
      'a first request was lost, and the second with it',
      {
        pairs: [
          { first: answer(-100, 503), second: answer(-95, 503) },
          { first: answer(-60), second: answer(-55) },
        ],
      },
      SECOND,
      true,
      '1 requests',
    ],
    [
      'no connection is kept for a second request',
      { pairs: [{ first: answer(-100, 200, true), second: null }] },
      SECOND,
      true,
      'none was sent: every response says Connection: close',
    ],
    [
      'no first request was answered',
      { pairs: [{ first: failed(-100, 'cut'), second: null }] },
      SECOND,
      null,
      'no connection carried a first one',
    ],
    [
      'a half sent request was cut',
      { half: [answer(101), failed(100, 'cut')] },
      HALF,
      false,
      '1 of 2 lost, the first by cut; the rest came 100 ms after SIGTERM',
    ],
    [
      'half sent requests were refused',
      { half: [answer(100, 503)] },
      HALF,
      false,
      '1 of 1 lost, the first by status 503; the rest came 100 ms after SIGTERM',
    ],
    ['none was half sent', { half: [] }, HALF, null, 'none was half sent when SIGTERM came'],
    [
      'an unused connection was closed',
      { firstUse: [failed(100, 'cut'), answer(400)] },
      FIRST_USE,
      false,
      '1 of 2 lost, the first by cut 100 ms after SIGTERM',
    ],
    [
      'a request was refused on an unused connection',
      { firstUse: [answer(499, 503)] },
      FIRST_USE,
      false,
      '1 of 1 lost, the first by status 503 499 ms after SIGTERM',
    ],
    [
      'an unused connection was used later than it must do',
      { firstUse: [answer(0), failed(500, 'cut')] },
      FIRST_USE,
      true,
      '1 requests',
    ],
    ['none was used', { firstUse: [] }, FIRST_USE, null, 'none was certainly used after SIGTERM'],
    ['there is no slow route', { slow: null }, IN_FLIGHT, null, 'no slow route is known: give --slow'],
    [
      'a slow request was cut before',
      { slow: [{ ...failed(-50, 'cut'), endMs: -10 }] },
      IN_FLIGHT,
      false,
      'cut 0 ms after SIGTERM',
    ],
    [
      'a slow request was cut after',
      {
        slow: [
          { ...answer(-50), endMs: 600 },
          { ...failed(-40, 'cut'), endMs: 500 },
        ],
      },
      IN_FLIGHT,
      false,
      'cut 500 ms after SIGTERM',
    ],
    [
      'it was done by SIGTERM',
      { slow: [{ ...answer(-50), endMs: 0 }] },
      IN_FLIGHT,
      null,
      'none was certainly in flight when SIGTERM came',
    ],
    [
      'it began at SIGTERM',
      { slow: [{ ...answer(0), endMs: 1 }] },
      IN_FLIGHT,
      true,
      '1 of 1 ms, the last done 1 ms after SIGTERM',
    ],
    [
      'it began after SIGTERM',
      { slow: [{ ...answer(1), endMs: 500 }] },
      IN_FLIGHT,
      null,
      'none was certainly in flight when SIGTERM came',
    ],
    [
      'a longer one covers the shorter ones after it',
      {
        slow: [
          { ...answer(-50), endMs: 700 },
          { ...answer(-40), endMs: 300 },
        ],
      },
      IN_FLIGHT,
      true,
      '2 of 750 ms, the last done 700 ms after SIGTERM',
    ],
    [
      'it was done as the process ended',
      { slow: [{ ...answer(-50), endMs: 1_100 }] },
      IN_FLIGHT,
      true,
      '1 of 1.15 s, the last done 1.1 s after SIGTERM',
    ],
    [
      'the process never ended',
      { exit: null },
      IN_FLIGHT,
      true,
      '1 of 750 ms, the last done 700 ms after SIGTERM',
    ],
    ['it did not exit', { exit: null }, 'exits 0', null, 'it did not exit'],
    ['it exited with 3', { exit: { atMs: 1, code: 3, signal: null } }, 'exits 0', false, 'code 3'],
    [
      'a signal ended it',
      { exit: { atMs: 1, code: null, signal: 'SIGKILL' } },
      'exits 0',
      false,
      'ended by SIGKILL',
    ],
    ['it did not end', { exit: null }, 'exits within 30 s', false, 'it did not'],
    ['it ended at once', { exit: { atMs: 0, code: 0, signal: null } }, 'exits 0', true, 'code 0'],
  ] as const) {
    test(`where ${what}, it says so: ${found}`, () => {
      const point = toPoints({ ...clean, ...change }, idle, terms, 0).find(
        (candidate) => candidate.name === name,
      );
      assert.deepEqual([point?.isHeld, point?.found], [isHeld, found]);
    });
  }

  for (const [what, change, found] of [
    [
      'an early end',
      { exit: { atMs: 499, code: 0, signal: null } },
      'none from 499 ms after SIGTERM, which may have come up to 1 s later',
    ],
    [
      'what was asked up to then',
      { fresh: [answer(1_499), answer(1_500)], health: [] },
      'all 1 of that time',
    ],
  ] as const) {
    test(`where SIGTERM comes within 1 s, ${what} is told with it: ${found}`, () => {
      const seen = { ...clean, exit: { atMs: 2_000, code: 0, signal: null }, ...change };
      assert.equal(toPoints(seen, idle, terms, 1_000).find(({ name }) => name === ACCEPT)?.found, found);
    });
  }

  for (const [what, firstUse, isHeld, found] of [
    ['succeeds before and after', [answer(300), answer(1_000)], true, '2 requests'],
    [
      'succeeds, each perhaps before SIGTERM',
      [answer(300), answer(999)],
      null,
      'none was certainly used after SIGTERM',
    ],
    [
      'fails where it must do, however early SIGTERM came',
      [failed(499, 'cut'), failed(600, 'cut')],
      false,
      '2 of 2 lost, the first by cut 499 ms after SIGTERM, which may have come up to 1 s later',
    ],
    [
      'fails where it need not, had SIGTERM come early',
      [answer(300), failed(500, 'cut')],
      null,
      '1 of 2 lost, the first by cut 500 ms after SIGTERM, which may have come up to 1 s later',
    ],
    ['fails later than it must do', [answer(1_000), failed(1_500, 'cut')], true, '1 requests'],
  ] as const) {
    test(`where SIGTERM comes within 1 s, and an unused connection ${what}: ${found}`, () => {
      const point = toPoints({ ...clean, firstUse }, idle, terms, 1_000).find(
        ({ name }) => name === FIRST_USE,
      );
      assert.deepEqual([point?.isHeld, point?.found], [isHeld, found]);
    });
  }

  const closed = (idleMs: number, by: 'FIN' | 'RST' = 'FIN') => ({ closed: { idleMs, by } });
  const advice =
    'too soon for load balancers that keep them for 60 s; keep them for 65 s, in Node by server.keepAliveTimeout = 65_000';
  for (const [what, change, isHeld, found] of [
    ['was watched for 60 s', { watchedMs: 60_000 }, true, 'all 2 still open after 60 s'],
    [
      'was watched for less',
      { watchedMs: 59_000 },
      null,
      'all 2 still open after 59 s: watch them for longer, with --idle 60s or more',
    ],
    ['is closed after 60 s', closed(60_000), true, 'closed by FIN after 60 s, unannounced'],
    [
      'is closed after 5 s, as announced',
      { ...closed(5_000), announcedMs: 5_000 },
      false,
      `closed by FIN after 5 s, announced by Keep-Alive: timeout=5: ${advice}`,
    ],
    [
      'is reset after 59.9 s',
      closed(59_900, 'RST'),
      false,
      `closed by RST after 59.9 s, unannounced: ${advice}`,
    ],
    [
      'was cut by the end of the process',
      { ...closed(5_000), exit: { code: 1, signal: null } },
      false,
      'it exited by itself, code 1, while they were watched',
    ],
    [
      'was never left so',
      { exchanges: [answer(-100, 200, true)] },
      true,
      'there are none: every response says Connection: close',
    ],
    ['had no response', { exchanges: [failed(-100, 'cut')] }, null, 'none could be opened: cut'],
    ['was refused', { exchanges: [] }, null, 'none could be opened: refused'],
    [
      'is one of two',
      { exchanges: [answer(-100), answer(-100, 200, true)] },
      true,
      'all 1 still open after 75 s',
    ],
  ] as const) {
    test(`where an idle connection ${what}: ${found}`, () => {
      const points = toPoints(clean, { ...idle, ...change }, terms, 0);
      const point = points.find(({ name }) => name === IDLE);
      assert.deepEqual([point?.isHeld, point?.found], [isHeld, found]);
    });
  }

  test('where no idle connection is watched, nothing is shown of them', () => {
    const point = toPoints(clean, null, terms, 0).find(({ name }) => name === IDLE);
    assert.deepEqual([point?.isHeld, point?.found], [null, 'not watched, as --idle 0ms asks']);
  });

  test('where it need not take any more, nothing has to be tried', () => {
    const seen = { ...clean, fresh: [], health: [], firstUse: [] };
    const points = toPoints(seen, idle, { ...terms, acceptMs: 0 }, 0);
    assert.equal(points.find(({ name }) => name === FIRST_USE)?.isHeld, true);
    const point = points.find(({ name }) => name === 'keeps accepting connections for 0 ms');
    assert.deepEqual([point?.isHeld, point?.found], [true, 'all 0 of that time']);
  });

  for (const [exit, found] of [
    [{ atMs: -1_500, code: 3, signal: null }, 'it exited by itself, code 3, 1.5 s before SIGTERM was due'],
    [
      { atMs: -20, code: null, signal: 'SIGSEGV' },
      'it exited by itself, ended by SIGSEGV, 20 ms before SIGTERM was due',
    ],
  ] as const) {
    test(`says how ${JSON.stringify(exit)} came about`, () => {
      assert.equal(toPoints({ ...clean, exit }, idle, terms, 0).at(-1)?.found, found);
    });
  }

  test('ends with the end of a server that ended before it was told to', () => {
    const early = toPoints({ ...clean, exit: { atMs: -1, code: 0, signal: null } }, null, terms, 0);
    assert.deepEqual(
      early.map(({ name, isHeld }) => [name, isHeld]),
      [
        ['accepts connections', true],
        ['becomes ready', true],
        [SERVING, false],
      ],
    );
  });
});
