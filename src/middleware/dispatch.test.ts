import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HttpProblem } from '../problem.ts';
import type { Reply } from '../reply.ts';
import { createDispatch } from './dispatch.ts';

const handlerOf = (body: string) => (): Reply => ({ status: 200, contentType: 'text/plain', body });
const dispatch = createDispatch([
  { path: '/a', handler: handlerOf('a') },
  { path: '/b', handler: handlerOf('b') },
]);
const UNMATCHED = 2;

/** The index of the route, and what its handler comes to. */
async function ask(method: string, path: string): Promise<{ route: number; reply: Reply | HttpProblem }> {
  const request = new Request(`http://host:3000${path}`, { method });
  const { route, handler } = await dispatch(request);
  try {
    return { route, reply: await handler(request) };
  } catch (error) {
    assert.ok(error instanceof HttpProblem);
    return { route, reply: error };
  }
}

describe('createDispatch()', () => {
  for (const [method, path, route, body] of [
    ['GET', '/a', 0, 'a'],
    ['GET', '/b', 1, 'b'],
    ['GET', '/b?x=/a', 1, 'b'],
    ['GET', '/b/', 1, 'b'],
    ['HEAD', '/b', 1, 'b'],
    ['HEAD', '/a?x', 0, 'a'],
  ] as const) {
    test(`gives ${method} ${path} to the handler of /${body}`, async () => {
      assert.deepEqual(await ask(method, path), {
        route,
        reply: { status: 200, contentType: 'text/plain', body },
      });
    });
  }

  test('finds GET on an exact path, whatever its query, without waiting', () => {
    for (const path of ['/a', '/a?', '/a?b=c']) {
      const target = dispatch(new Request(`http://host${path}`));
      assert.ok(!(target instanceof Promise));
      assert.equal(target.route, 0);
    }
  });

  test('answers OPTIONS of a route with 204 and the methods it takes', async () => {
    assert.deepEqual(await ask('OPTIONS', '/b'), {
      route: 1,
      reply: { status: 204, contentType: '', body: '', headers: { allow: 'GET, HEAD, OPTIONS' } },
    });
  });

  for (const [method, path, route, problem] of [
    [
      'POST',
      '/b?n=1',
      1,
      {
        status: 405,
        title: 'Method Not Allowed',
        detail: '"POST" is not allowed on "/b": it takes GET, HEAD, OPTIONS',
        headers: { allow: 'GET, HEAD, OPTIONS' },
      },
    ],
    ['GET', '/c?n=1', UNMATCHED, { status: 404, title: 'Not Found', detail: 'there is nothing at "/c"' }],
    ['OPTIONS', '/c', UNMATCHED, { status: 404, title: 'Not Found', detail: 'there is nothing at "/c"' }],
    ['GET', '/a/b', UNMATCHED, { status: 404, title: 'Not Found', detail: 'there is nothing at "/a/b"' }],
    [
      'GET',
      `/${'x'.repeat(79)}`,
      UNMATCHED,
      { status: 404, title: 'Not Found', detail: `there is nothing at "/${'x'.repeat(79)}"` },
    ],
    [
      'GET',
      `/${'x'.repeat(80)}`,
      UNMATCHED,
      { status: 404, title: 'Not Found', detail: `there is nothing at "/${'x'.repeat(79)}…"` },
    ],
  ] as const) {
    test(`refuses ${method} ${path.slice(0, 20)} of ${path.length} by ${problem.status}`, async () => {
      const answer = await ask(method, path);
      assert.ok(answer.reply instanceof HttpProblem);
      assert.deepEqual([answer.route, answer.reply.problem], [route, problem]);
    });
  }
});
