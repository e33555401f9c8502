import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HttpProblem } from '../problem.ts';
import type { Reply } from '../reply.ts';
import type { PoolResult, Wait } from '../world.ts';
import { createPayloadHandler, parseWhole, toQuery } from './payload.ts';

const PAYLOAD = 'http://x/payload';

function parse(name: 'n' | 'delayMs', search: string, max: number): number | undefined {
  return parseWhole(toQuery(PAYLOAD + search), name, max);
}

function refusalOf(name: 'n' | 'delayMs', search: string, max: number): string {
  try {
    parse(name, search, max);
  } catch (error) {
    assert.ok(error instanceof HttpProblem);
    assert.equal(error.problem.status, 400);
    return error.problem.detail;
  }
  throw new Error(`${search} was accepted`);
}

describe('parseWhole()', () => {
  for (const [name, search, max, value] of [
    ['n', '', 40, undefined],
    ['n', '?', 40, undefined],
    ['n', '?m=7', 40, undefined],
    ['n', '?n=0', 40, 0],
    ['n', '?n=20', 40, 20],
    ['n', '?n=40', 40, 40],
    ['n', '?a=b&n=%37', 40, 7],
    ['delayMs', '', 60_000, undefined],
    ['delayMs', '?n=7', 60_000, undefined],
    ['delayMs', '?delayms=7', 60_000, undefined],
    ['delayMs', '?delayMs=0', 60_000, 0],
    ['delayMs', '?delayMs=0', 1, 0],
    ['delayMs', '?delayMs=1', 1, 1],
    ['delayMs', '?n=7&delayMs=500', 60_000, 500],
    ['delayMs', '?delayMs=59999', 60_000, 59_999],
    ['delayMs', '?delayMs=60000', 60_000, 60_000],
    ['delayMs', '?delay%4Ds=%37', 60_000, 7],
  ] as const) {
    test(`takes ${search || 'no query'} for ${name} ${value}, up to ${max}`, () => {
      assert.equal(parse(name, search, max), value);
    });
  }

  for (const [name, max] of [
    ['n', 40],
    ['delayMs', 60_000],
  ] as const) {
    for (const value of [
      '',
      String(max + 1),
      '-1',
      '-0',
      '%2B1',
      '+1',
      '1.5',
      '1e3',
      '0x10',
      '007',
      '00',
      '%20',
      '1%20',
      '1s',
      'NaN',
      'Infinity',
      '%zz',
      '%ff',
      '٣',
      '9'.repeat(400),
    ]) {
      test(`refuses ${name}=${value.slice(0, 20)} and tells the range`, () => {
        const detail = refusalOf(name, `?${name}=${value}`, max);
        assert.match(detail, /^(n|delayMs) is ".*": expected a whole number from 0 to \d+$/);
        assert.ok(detail.startsWith(`${name} is `) && detail.endsWith(` ${max}`), detail);
      });
    }

    test(`refuses a ${name} that is given twice`, () => {
      assert.equal(refusalOf(name, `?${name}=1&${name}=1`, max), `${name} is given 2 times: expected once`);
    });

    test(`shows at most 40 characters of a refused ${name}`, () => {
      assert.ok(refusalOf(name, `?${name}=${'9'.repeat(10_000)}`, max).length < 120);
    });

    test(`either refuses with 400 or returns a ${name} in range, whatever the query`, () => {
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string({ unit: 'binary' }),
            fc.integer().map((value) => `${name}=${value}`),
            fc.double().map((value) => `${name}=${value}`),
          ),
          (query) => {
            try {
              const value = parse(name, `?${query}`, max);
              assert.ok(value === undefined || (Number.isInteger(value) && value >= 0 && value <= max));
            } catch (error) {
              assert.ok(error instanceof HttpProblem);
              assert.equal(error.problem.status, 400);
            }
          },
        ),
      );
    });
  }
});

/** A handler whose waits are noted and, unless told otherwise, over at once. */
function createScene({ wait = async () => {}, result }: { wait?: Wait; result?: PoolResult } = {}) {
  const waits: number[] = [];
  const handler = createPayloadHandler({
    config: { maxRandomNumber: 20, payloadMaxN: 40, payloadTimeoutMs: 60_000, queueLength: 16 },
    pool: { compute: async () => result ?? { kind: 'computed', value: 10_946 } },
    random: () => 0.999,
    wait: (ms, client) => {
      waits.push(ms);
      return wait(ms, client);
    },
  });
  return {
    waits,
    call: (search: string, signal?: AbortSignal) =>
      handler(new Request(PAYLOAD + search, signal && { signal })),
  };
}

const isProblem = (status: number) => (error: unknown) =>
  error instanceof HttpProblem && error.problem.status === status;

describe('payload handler', () => {
  for (const search of ['', '?', '?n=20', '?n=0&m=7']) {
    test(`answers ${search || 'no query'} inline, without a promise or a wait`, () => {
      const { call, waits } = createScene();
      const reply = call(search);
      assert.ok(!(reply instanceof Promise));
      assert.doesNotMatch(reply.body, /delayMs/);
      assert.deepEqual(waits, []);
    });
  }

  test('answers n over 20 from the pool, without a wait', async () => {
    const { call, waits } = createScene();
    assert.equal((await call('?n=21')).body, '{"n":21,"fibonacci":10946,"computed":"worker"}');
    assert.deepEqual(waits, []);
  });

  for (const [search, ms, body] of [
    ['?delayMs=0', 0, '{"n":20,"fibonacci":6765,"computed":"inline","delayMs":0}'],
    ['?n=7&delayMs=500', 500, '{"n":7,"fibonacci":13,"computed":"inline","delayMs":500}'],
    ['?delayMs=60000&n=21', 60_000, '{"n":21,"fibonacci":10946,"computed":"worker","delayMs":60000}'],
  ] as const) {
    test(`holds ${search} back for ${ms} ms, and tells it`, async () => {
      const { call, waits } = createScene();
      assert.equal((await call(search)).body, body);
      assert.deepEqual(waits, [ms]);
    });
  }

  test('has not answered before the wait is over', async () => {
    const { call, end } = createHeldScene();
    const replies: Reply[] = [];
    const answered = Promise.resolve(call('?n=7&delayMs=500')).then((reply) => void replies.push(reply));
    await turns();
    assert.equal(replies.length, 0);
    end();
    await answered;
    assert.equal(replies[0]?.status, 200);
  });

  for (const search of ['?delayMs=60001', '?n=41&delayMs=500', '?n=7&delayMs=500&delayMs=500']) {
    test(`refuses ${search} at once`, () => {
      const { call, waits } = createScene();
      assert.throws(() => call(search), isProblem(400));
      assert.deepEqual(waits, []);
    });
  }

  for (const [kind, problem] of [
    [
      'queue-full',
      {
        status: 503,
        title: 'Service Unavailable',
        detail: 'every worker is busy and 16 payloads wait already',
        headers: { 'retry-after': '1' },
      },
    ],
    [
      'timed-out',
      { status: 504, title: 'Gateway Timeout', detail: 'n = 21 was not computed within 60000 ms' },
    ],
    [
      'abandoned',
      {
        status: 499,
        title: 'Client Closed Request',
        detail: 'the client went away before it was answered',
      },
    ],
    [
      'crashed',
      {
        status: 500,
        title: 'Internal Server Error',
        detail: 'the worker that computed n = 21 crashed; a new one has taken its place',
      },
    ],
  ] as const) {
    test(`answers a payload that is ${kind} with ${problem.status}, and says why`, async () => {
      await assert.rejects(
        async () => createScene({ result: { kind } }).call('?n=21'),
        (error) => {
          assert.ok(error instanceof HttpProblem);
          assert.deepEqual(error.problem, problem);
          return true;
        },
      );
    });
  }

  for (const [length, shown] of [
    [40, `"${'x'.repeat(40)}"`],
    [41, `"${'x'.repeat(40)}…"`],
  ] as const) {
    test(`shows 40 of ${length} characters that it refuses`, () => {
      assert.throws(
        () => createScene().call(`?n=${'x'.repeat(length)}`),
        (error) => {
          assert.ok(error instanceof HttpProblem);
          assert.deepEqual(error.problem, {
            status: 400,
            title: 'Bad Request',
            detail: `n is ${shown}: expected a whole number from 0 to 40`,
          });
          return true;
        },
      );
    });
  }

  test('holds no refusal of the pool back', async () => {
    const { call, waits } = createScene({ result: { kind: 'queue-full' } });
    await assert.rejects(async () => call('?n=21&delayMs=500'), isProblem(503));
    assert.deepEqual(waits, []);
  });

  test('is 499 for a client that goes away while it waits, and passes on its signal', async () => {
    const client = new AbortController();
    const { call, signals } = createHeldScene();
    const reply = call('?n=7&delayMs=500', client.signal);
    await turns();
    assert.equal(signals[0]?.aborted, false);
    client.abort();
    assert.equal(signals[0]?.aborted, true);
    await assert.rejects(async () => reply, isProblem(499));
  });

  test('is 499 for a client that had gone before the wait', async () => {
    await assert.rejects(
      async () => createScene().call('?n=7&delayMs=500', AbortSignal.abort()),
      isProblem(499),
    );
  });

  test('is the same 499 for a client that goes away while the pool computes', async () => {
    const { call, waits } = createScene({ result: { kind: 'abandoned' } });
    await assert.rejects(async () => call('?n=21&delayMs=500'), isProblem(499));
    assert.deepEqual(waits, []);
  });
});

/** A handler that waits until the test or the client ends it. */
function createHeldScene() {
  const signals: AbortSignal[] = [];
  let end = () => {};
  const { call } = createScene({
    wait: (_, client) =>
      new Promise((resolve) => {
        signals.push(client);
        end = resolve;
        client.addEventListener('abort', () => resolve());
      }),
  });
  return { call, signals, end: () => end() };
}

/** Lets everything go on that waits for nothing but its turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
