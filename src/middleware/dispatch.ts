import { IttyRouter } from 'itty-router';
import { HttpProblem } from '../problem.ts';
import type { Reply } from '../reply.ts';

/** Answers GET and HEAD of a route; throws to answer with a problem document. */
export type Handler = (request: Request) => Reply | Promise<Reply>;

interface Route {
  readonly path: string;
  readonly handler: Handler;
}

/** Where a request goes: a handler, and the index of its route for the metrics. */
export interface Target {
  readonly route: number;
  readonly handler: Handler;
}

/**
 * Finds the target of a request. GET on the exact path of a route, which is nearly every request, is one look
 * into a map; itty-router, whose scan parses the URL and awaits each step, decides the rest.
 *
 * @returns the target itself, or a promise of it where itty-router was asked.
 */
export function createDispatch(routes: readonly Route[]): (request: Request) => Target | Promise<Target> {
  const exact = new Map<string, Target>();
  const router = IttyRouter();
  routes.forEach(({ path, handler }, route) => {
    const target: Target = { route, handler };
    exact.set(path, target);
    router
      .get(path, () => target)
      .head(path, () => target)
      .options(path, () => ({ route, handler: allowedMethods }))
      .all(path, () => ({ route, handler: refuseMethod }));
  });
  const unmatched: Target = { route: routes.length, handler: refusePath };
  router.all('*', () => unmatched);

  return (request) => {
    const { method, url } = request;
    if (method === 'GET') {
      const target = exact.get(toPath(url));
      if (target !== undefined) return target;
    }
    // A copy, because itty-router writes params, query and route onto what it is given.
    return router.fetch({ method, url });
  };
}

const ALLOWED = 'GET, HEAD, OPTIONS';

function allowedMethods(): Reply {
  return { status: 204, contentType: '', body: '', headers: { allow: ALLOWED } };
}

function refuseMethod(request: Request): never {
  throw new HttpProblem({
    status: 405,
    title: 'Method Not Allowed',
    detail: `${quoteShort(request.method)} is not allowed on ${quoteShort(toPath(request.url))}: it takes ${ALLOWED}`,
    headers: { allow: ALLOWED },
  });
}

function refusePath(request: Request): never {
  throw new HttpProblem({
    status: 404,
    title: 'Not Found',
    detail: `there is nothing at ${quoteShort(toPath(request.url))}`,
  });
}

function quoteShort(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** The path of an absolute URL, without the query. */
function toPath(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const end = url.indexOf('?', start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}
