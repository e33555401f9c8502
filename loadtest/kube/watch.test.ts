import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApi, toApiFault } from './api.ts';
import { at, type Json, textAt } from './json.ts';
import { parseWatchLine, startWatch, toBackoffMs, toFailures } from './watch.ts';

const closers: (() => unknown)[] = [];
after(() => {
  for (const close of closers) close();
});

const pod = (name: string, version: number): Json => ({
  metadata: { name, namespace: 'n', uid: name, resourceVersion: String(version) },
});
const line = (type: string, object: Json) => `${JSON.stringify({ type, object })}\n`;

/** What the API server does with each watch request in turn; the last one holds for all that follow. */
type Step = (response: ServerResponse, url: URL) => void;

/** An API server of which the lists and the streams are given. */
async function startFake(
  lists: readonly (readonly Json[] | number)[],
  steps: readonly Step[],
  { deadlineMs = 150 } = {},
) {
  const watched: string[] = [];
  let listed = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://api');
    response.setHeader('content-type', 'application/json');
    if (url.searchParams.has('watch')) {
      watched.push(url.searchParams.get('resourceVersion') ?? '');
      (steps[watched.length - 1] ?? steps.at(-1))?.(response, url);
      return;
    }
    const list = lists[Math.min(listed, lists.length - 1)] ?? [];
    listed += 1;
    if (typeof list === 'number') {
      response.statusCode = list;
      response.end(JSON.stringify({ message: 'no' }));
      return;
    }
    const version = Math.max(0, ...list.map((item) => Number(textAt(item, 'metadata', 'resourceVersion'))));
    response.end(JSON.stringify({ metadata: { resourceVersion: String(version) }, items: list }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = new AbortController();
  closers.push(() => {
    stop.abort();
    server.closeAllConnections();
    server.close();
  });
  const api = createApi({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: null,
    tlsServerName: null,
    isTlsUnchecked: false,
    impersonation: {},
    namespace: 'n',
    credentials: async () => ({ token: null, clientCertificate: null }),
  });
  const seen: string[] = [];
  const gaps: string[] = [];
  let clockMs = 0;
  let pauses = 0;
  const watch = startWatch(
    api,
    '/api/v1/namespaces/n/pods',
    {
      onChange: (change, object) => {
        seen.push(
          `${change} ${textAt(object, 'metadata', 'name')}@${textAt(object, 'metadata', 'resourceVersion')}`,
        );
      },
      onGap: (reason) => void gaps.push(reason),
      nowMs: () => clockMs,
      random: () => {
        pauses += 1;
        return 0;
      },
      deadlineMs,
    },
    stop.signal,
  );
  return {
    watch,
    stop,
    watched,
    seen,
    gaps,
    get pauses() {
      return pauses;
    },
    get listed() {
      return listed;
    },
    forward: (ms: number) => {
      clockMs += ms;
    },
    until: async (isTrue: () => boolean) => {
      while (!isTrue()) await sleep(5);
    },
  };
}

const hold: Step = (response) => void response.flushHeaders();
const PATIENT = { deadlineMs: 60_000 };

describe('startWatch()', () => {
  test('lists, follows, and goes on where a stream ended by the server left off', async () => {
    const fake = await startFake(
      [[pod('a', 5)]],
      [
        (response) => {
          response.write(line('MODIFIED', pod('a', 6)));
          response.end(line('BOOKMARK', pod('', 9)));
        },
        (response) => void response.write(line('DELETED', pod('a', 10))),
      ],
    );
    await fake.watch.synced;
    await fake.until(() => fake.seen.length === 3);
    assert.deepEqual(fake.seen, ['seen a@5', 'seen a@6', 'deleted a@10']);
    assert.deepEqual(fake.watched.slice(0, 2), ['5', '9']);
    assert.deepEqual(fake.gaps, []);
  });

  test('a stream reset in the middle of a line goes on from the last whole one, without a gap', async () => {
    const fake = await startFake(
      [[pod('a', 5)]],
      [
        (response) => {
          response.write(`${line('MODIFIED', pod('a', 6))}{"type":"MODI`);
          setTimeout(() => response.destroy(), 20);
        },
        (response) => void response.write(line('MODIFIED', pod('a', 7))),
      ],
    );
    await fake.until(() => fake.seen.length === 3);
    assert.deepEqual(fake.seen, ['seen a@5', 'seen a@6', 'seen a@7']);
    assert.deepEqual(fake.watched.slice(0, 2), ['5', '6']);
    assert.deepEqual(fake.gaps, []);
  });

  for (const [ms, gaps] of [
    [2_000, []],
    [2_500, ['pods: cut off for 2.5 s']],
  ] as const) {
    test(`${ms} ms until a stream stands again make ${gaps.length} gaps`, async () => {
      const waiting: ServerResponse[] = [];
      const fake = await startFake(
        [[pod('a', 5)]],
        [(response) => void response.end(), (response) => void waiting.push(response)],
        PATIENT,
      );
      await fake.until(() => waiting.length === 1);
      fake.forward(ms);
      waiting[0]?.write(line('MODIFIED', pod('a', 6)));
      await fake.until(() => fake.seen.length === 2);
      assert.deepEqual(fake.gaps, gaps);
    });
  }

  test('a stream stands again with the head of its response, however quiet it then is', async () => {
    const open: ServerResponse[] = [];
    const fake = await startFake(
      [[pod('a', 5)]],
      [
        (response) => {
          hold(response, new URL('http://api'));
          setTimeout(() => response.destroy(), 20);
        },
        (response, url) => {
          open.push(response);
          hold(response, url);
        },
      ],
      PATIENT,
    );
    await fake.until(() => open.length === 1);
    await sleep(100);
    fake.forward(55_000);
    await fake.watch.confirm(1_000);
    open[0]?.write(line('MODIFIED', pod('a', 6)));
    await fake.until(() => fake.seen.length === 2);
    assert.deepEqual(fake.gaps, []);
  });

  test('410, in the stream or as the response, makes a new list, and is a gap', async () => {
    for (const expire of [
      (response: ServerResponse) => void response.end(line('ERROR', { code: 410, message: 'too old' })),
      (response: ServerResponse) => {
        response.statusCode = 410;
        response.end(JSON.stringify({ message: 'too old' }));
      },
    ]) {
      const fake = await startFake([[pod('a', 5), pod('b', 4)], [pod('a', 8)]], [expire, hold]);
      await fake.until(() => fake.seen.length === 4);
      assert.deepEqual(fake.seen, ['seen a@5', 'seen b@4', 'deleted b@4', 'seen a@8']);
      assert.deepEqual(fake.gaps, ['pods: had to be listed anew']);
    }
  });

  test('garbage in the stream breaks it, and nothing after it is believed', async () => {
    const fake = await startFake(
      [[pod('a', 5)]],
      [
        (response) => void response.write(`<html>\n${line('MODIFIED', pod('a', 99))}`),
        (response) => void response.write(line('MODIFIED', pod('a', 6))),
      ],
    );
    await fake.until(() => fake.seen.length === 2);
    assert.deepEqual(fake.seen, ['seen a@5', 'seen a@6']);
    assert.deepEqual(fake.watched.slice(0, 2), ['5', '5']);
  });

  test('silence past the deadline breaks the stream, and the gap counts from the last sign of timeline', async () => {
    const fake = await startFake(
      [[pod('a', 5)]],
      [hold, (response) => void response.write(line('MODIFIED', pod('a', 6)))],
    );
    await fake.watch.synced;
    fake.forward(65_000);
    await fake.until(() => fake.gaps.length === 1);
    assert.match(fake.gaps[0] ?? '', /^pods: cut off for 65\.0 s$/);
  });

  for (const [what, step, lists] of [
    ['a stream that ends at once', (response) => void response.end(), 1],
    ['one that breaks', (response) => response.destroy(), 1],
    ['one that is too old', (response) => void response.end(line('ERROR', { code: 410 })), 4],
  ] as const satisfies readonly (readonly [string, Step, number])[]) {
    test(`${what} is not opened again without a pause`, async () => {
      const fake = await startFake([[pod('a', 5)]], [step, step, step, hold], PATIENT);
      await fake.until(() => fake.watched.length === 4);
      assert.deepEqual([fake.pauses, fake.listed], [3, lists]);
    });
  }

  for (const status of [403, 404]) {
    test(`a first list that is refused with ${status} ends it`, async () => {
      const fake = await startFake([status], [hold]);
      await assert.rejects(fake.watch.synced, new RegExp(`GET /api/v1/namespaces/n/pods: ${status} no`));
    });
  }

  for (const status of [401, 429, 500, 503]) {
    test(`a first list that is put off with ${status} is asked for again`, async () => {
      const fake = await startFake([status, [pod('a', 5)]], [hold]);
      await fake.watch.synced;
      assert.deepEqual([fake.seen, fake.gaps], [['seen a@5'], []]);
    });
  }

  test('a first list that is not wanted any more ends it', async () => {
    const fake = await startFake([503], [hold]);
    fake.stop.abort(new Error('enough'));
    await assert.rejects(fake.watch.synced, /enough/);
  });

  test('a first list that is given up says why it was not had', async () => {
    const fake = await startFake([429], [hold]);
    await fake.until(() => fake.pauses === 1);
    fake.stop.abort(toApiFault(null, 'too late'));
    await assert.rejects(fake.watch.synced, /^Fault: too late: GET \S+: 429 no$/);
  });

  test('confirm() is content when every listed object is known, and waits for one that is late', async () => {
    const fake = await startFake(
      [[pod('a', 5)], [pod('a', 6)]],
      [(response) => void setTimeout(() => response.write(line('MODIFIED', pod('a', 6))), 30)],
    );
    await fake.watch.synced;
    await fake.watch.confirm(1_000);
    assert.deepEqual(fake.gaps, []);
  });

  test('confirm() reports a gap when the watch is behind, or the list fails', async () => {
    const behind = await startFake([[pod('a', 5)], [pod('a', 6)]], [hold]);
    await behind.watch.synced;
    await behind.watch.confirm(0);
    assert.deepEqual(behind.gaps, ['pods: behind the API server at the end']);
    const failing = await startFake([[pod('a', 5)], 500], [hold]);
    await failing.watch.synced;
    await failing.watch.confirm(0);
    assert.match(failing.gaps[0] ?? '', /^pods: could not be confirmed \(GET .* 500 no\)$/);
  });
});

describe('confirm()', () => {
  for (const [status, gaps] of [
    [429, 0],
    [503, 0],
    [403, 1],
  ] as const) {
    test(`a list that fails with ${status} once makes ${gaps} gaps`, async () => {
      const fake = await startFake([[pod('a', 5)], status, [pod('a', 5)]], [hold], PATIENT);
      await fake.watch.synced;
      await fake.until(() => fake.watched.length === 1);
      await fake.watch.confirm(1_000);
      assert.equal(fake.gaps.length, gaps);
    });
  }

  for (const [what, event, gaps] of [
    ['is content with a deletion that is told late', line('DELETED', pod('b', 6)), []],
    ['is content with an object newer than the list', line('MODIFIED', pod('b', 7)), []],
    [
      'reports what is known, and is no more',
      line('BOOKMARK', pod('', 6)),
      ['pods: behind the API server at the end'],
    ],
  ] as const) {
    test(what, async () => {
      const fake = await startFake(
        [[pod('a', 5), pod('b', 4)], [pod('a', 6)]],
        [
          (response) => {
            response.write(line('MODIFIED', pod('a', 6)));
            setTimeout(() => response.write(event), 100);
          },
        ],
        PATIENT,
      );
      await fake.until(() => fake.seen.includes('seen a@6'));
      setTimeout(() => fake.forward(1_001), 400);
      await fake.watch.confirm(1_000);
      assert.deepEqual(fake.gaps, gaps);
    });
  }

  for (const [ms, gaps] of [
    [2_000, []],
    [2_100, ['pods: cut off for 2.1 s']],
  ] as const) {
    test(`a stream that has been down for ${ms} ms makes ${gaps.length} gaps`, async () => {
      const fake = await startFake(
        [[pod('a', 5)]],
        [
          (response) => {
            hold(response, new URL('http://api'));
            setTimeout(() => response.destroy(), 20);
          },
          (response) => response.destroy(),
        ],
        PATIENT,
      );
      await fake.until(() => fake.watched.length === 2);
      fake.forward(ms);
      await fake.watch.confirm(1_000);
      assert.deepEqual(fake.gaps, gaps);
    });
  }
});

describe('toFailures()', () => {
  for (const [before, stoodMs, failures] of [
    [0, Number.NEGATIVE_INFINITY, 1],
    [3, Number.NEGATIVE_INFINITY, 4],
    [3, 10_000, 4],
    [3, 10_001, 1],
  ] as const) {
    test(`${before} before a stream of ${stoodMs} ms: ${failures}`, () =>
      assert.equal(toFailures(before, stoodMs), failures));
  }
});

describe('parseWatchLine()', () => {
  for (const [text, kind] of [
    [line('ADDED', pod('a', 1)), 'seen'],
    [line('MODIFIED', pod('a', 1)), 'seen'],
    [line('DELETED', pod('a', 1)), 'deleted'],
    [line('BOOKMARK', pod('', 1)), 'bookmark'],
    [line('ERROR', { code: 410 }), 'expired'],
    [line('ERROR', { code: 500 }), 'garbage'],
    [line('constructor', pod('a', 1)), 'garbage'],
    [line('ADDED', { metadata: {} }), 'garbage'],
    ['{"type":"ADDED","object":null}', 'garbage'],
    ['[]', 'garbage'],
    ['null', 'garbage'],
    ['{"type":', 'garbage'],
  ] as const) {
    test(`${text.trim().slice(0, 50)}: ${kind}`, () => assert.equal(parseWatchLine(text).kind, kind));
  }
});

describe('toBackoffMs()', () => {
  for (const [failures, random, ms] of [
    [1, 0, 100],
    [1, 1, 200],
    [2, 0, 200],
    [6, 1, 6_400],
    [7, 1, 10_000],
    [1_000, 0, 5_000],
  ] as const) {
    test(`after ${failures} failures, at ${random}: ${ms} ms`, () =>
      assert.equal(toBackoffMs(failures, random), ms));
  }
});

test('at() follows keys and indices, and ends where the path does', () => {
  assert.equal(at({ a: [{ b: 1 }] }, 'a', 0, 'b'), 1);
  assert.equal(at({ a: null }, 'a', 'b'), undefined);
  assert.equal(at(undefined, 'a'), undefined);
});
