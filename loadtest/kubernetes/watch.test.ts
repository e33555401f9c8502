import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { createApi } from './api.ts';
import { at, type Json, textAt } from './json.ts';
import { parseWatchLine, startWatch, toBackoffMs } from './watch.ts';

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
async function startFake(lists: readonly (readonly Json[] | number)[], steps: readonly Step[]) {
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
    clientCertificate: null,
    token: null,
    isTlsUnchecked: false,
    namespace: 'n',
  });
  const seen: string[] = [];
  const gaps: string[] = [];
  const wanted = new Set<() => void>();
  const changed = () => {
    for (const wake of wanted) wake();
  };
  let clockMs = 0;
  const watch = startWatch(
    api,
    '/api/v1/namespaces/n/pods',
    {
      onChange: (change, object) => {
        seen.push(
          `${change} ${textAt(object, 'metadata', 'name')}@${textAt(object, 'metadata', 'resourceVersion')}`,
        );
        changed();
      },
      onGap: (reason) => {
        gaps.push(reason);
        changed();
      },
      nowMs: () => clockMs,
      random: () => 0,
      deadlineMs: 150,
    },
    stop.signal,
  );
  return {
    watch,
    watched,
    seen,
    gaps,
    forward: (ms: number) => {
      clockMs += ms;
    },
    until: async (isTrue: () => boolean) => {
      while (!isTrue()) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            wanted.delete(wake);
            resolve();
          };
          wanted.add(wake);
        });
      }
    },
  };
}

const hold: Step = (response) => void response.flushHeaders();

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

  test('a break of more than 2 s is a gap', async () => {
    const fake = await startFake(
      [[pod('a', 5)]],
      [(response) => response.destroy(), (response) => void response.write(line('MODIFIED', pod('a', 6)))],
    );
    await fake.watch.synced;
    fake.forward(1);
    await fake.until(() => fake.watched.length > 0 || fake.seen.length > 1);
    fake.forward(2_500);
    await fake.until(() => fake.gaps.length === 1);
    assert.deepEqual(fake.gaps, ['pods: cut off for 2.5 s']);
  });

  test('410, in the stream or as the answer, makes a new list, and is a gap', async () => {
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

  test('silence past the deadline breaks the stream, and the gap counts from the last sign of life', async () => {
    const fake = await startFake(
      [[pod('a', 5)]],
      [hold, (response) => void response.write(line('MODIFIED', pod('a', 6)))],
    );
    await fake.watch.synced;
    fake.forward(65_000);
    await fake.until(() => fake.gaps.length === 1);
    assert.match(fake.gaps[0] ?? '', /^pods: cut off for 65\.0 s$/);
  });

  test('a first list that is forbidden ends it', async () => {
    const fake = await startFake([403], [hold]);
    await assert.rejects(fake.watch.synced, /GET \/api\/v1\/namespaces\/n\/pods: 403 no/);
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
