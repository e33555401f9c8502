import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Exchange } from './client.ts';
import type { Observation } from './observation.ts';
import { toPoints } from './points.ts';

const terms = { acceptMs: 500, graceMs: 30_000 };
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
  exit: { atMs: 1_000, code: 0, signal: null },
};

const READY = 'SIGTERM: turns unready';
const SERVING = 'serves while ready, and is alive';
const ALIVE = 'stays alive while it drains';
const ACCEPT = 'goes on taking connections for 500 ms';
const CLOSE = 'answers with Connection: close';
const ANSWERED = 'answers every request it took';
const IN_FLIGHT = 'finishes what is in flight';

describe('toPoints()', () => {
  test('a clean shutdown holds all twelve', () => {
    const points = toPoints(clean, terms, 0);
    assert.equal(points.length, 12);
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
    ['no end', { exit: null }, 'has ended within 30 s', false],
    ['a failure before SIGTERM', { kept: [answer(-50, 503)] }, SERVING, false],
  ] as const) {
    test(`${what}: ${name} is ${isHeld === null ? 'not shown' : isHeld ? 'held' : 'broken'}`, () => {
      const point = toPoints({ ...clean, ...change }, terms, 0).find((candidate) => candidate.name === name);
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
      const point = toPoints({ ...clean, slow: exchanges }, terms, 500).find(
        ({ name }) => name === IN_FLIGHT,
      );
      assert.equal(point?.isHeld, isHeld, point?.found);
    });
  }

  test('where SIGTERM may come later, the server may know of it so much later', () => {
    const isHeld = (change: Partial<Observation>, name: string) =>
      toPoints({ ...clean, ...change }, terms, 500).find((point) => point.name === name)?.isHeld;
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
      const point = toPoints(seen, terms, 1_000).find(({ name }) => name === ACCEPT);
      assert.equal(point?.isHeld, isHeld, point?.found);
    });
  }

  test('an end that was not seen is none', () => {
    const point = toPoints({ ...clean, exit: null }, terms, 1_000).find(({ name }) => name === ACCEPT);
    assert.equal(point?.isHeld, true);
  });

  test('ends with the end of a server that ended before it was told to', () => {
    const early = toPoints({ ...clean, exit: { atMs: -1, code: 0, signal: null } }, terms, 0);
    assert.deepEqual(
      early.map(({ name, isHeld }) => [name, isHeld]),
      [
        ['takes connections', true],
        ['becomes ready', true],
        [SERVING, false],
      ],
    );
  });
});
