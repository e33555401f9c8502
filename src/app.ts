import type { Config } from './config.ts';
import type { Lifecycle } from './lifecycle.ts';
import { createDispatch, type Handler, type Target } from './middleware/dispatch.ts';
import { createRequestIds } from './middleware/request-id.ts';
import { HttpProblem, toProblemReply } from './problem.ts';
import type { Reply } from './reply.ts';
import { createHealthHandler } from './routes/health.ts';
import { createMetricsHandler } from './routes/metrics.ts';
import { createPayloadHandler } from './routes/payload.ts';
import { createReadyHandler } from './routes/ready.ts';
import { createVersionHandler } from './routes/version.ts';
import type { Logger } from './telemetry/log.ts';
import { createRequestMetrics, type MeasuredRoute, type RequestTotals } from './telemetry/request-metrics.ts';
import type { FibonacciPool, Vitals, Wait } from './world.ts';

/** The routes, and the classes of status each answers by design. Their order is the index of a route. */
const ROUTES = [
  { path: '/health', answers: ['2xx'] },
  { path: '/ready', answers: ['2xx', '5xx'] },
  { path: '/payload', answers: ['2xx', '4xx', '5xx'] },
  { path: '/metrics', answers: ['2xx'] },
  { path: '/version', answers: ['2xx'] },
] as const satisfies readonly MeasuredRoute[];

/** Everything the app takes from outside. Nothing here touches a runtime. */
export interface AppWorld {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  readonly pool: FibonacciPool;
  readonly vitals: () => Vitals;
  /** Requests whose response has not left yet, as the server counts them. */
  readonly inFlight: () => number;
  /** Monotonic clock, in ms. */
  readonly now: () => number;
  /** Random source, 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly wait: Wait;
  /** Runtime and its version, such as `bun 1.4.5`. */
  readonly runtime: string;
  /** RFC 3339 time stamp. */
  readonly startedAt: string;
  /** Unique to this process; see {@link createRequestIds}. */
  readonly requestIdPrefix: string;
}

/** A Fetch handler, as serverless platforms and tests call it. */
export interface App {
  fetch(request: Request): Promise<Response>;
  /** The same without a promise where none is needed: what the runtime adapters serve. */
  handle(request: Request): Response | Promise<Response>;
  /** Requests answered so far. */
  totals(): RequestTotals;
}

export function createApp(world: AppWorld): App {
  const { config, lifecycle, log, now } = world;
  const { version, revision, pod, node, namespace } = config;
  const { runtime, startedAt } = world;

  const requestMetrics = createRequestMetrics(ROUTES);
  const build = { version, revision, runtime };
  const handlers: Record<(typeof ROUTES)[number]['path'], Handler> = {
    '/health': createHealthHandler(lifecycle),
    '/ready': createReadyHandler(lifecycle),
    '/payload': createPayloadHandler(world),
    '/metrics': createMetricsHandler({ ...world, build, requestMetrics }),
    '/version': createVersionHandler({ ...build, pod, node, namespace, startedAt }),
  };
  const dispatch = createDispatch(ROUTES.map(({ path }) => ({ path, handler: handlers[path] })));
  const toRequestId = createRequestIds(world.requestIdPrefix);

  function handle(request: Request): Response | Promise<Response> {
    const exchange: Exchange = {
      request,
      method: request.method,
      requestId: toRequestId(request.headers.get('x-request-id')),
      startMs: now(),
      route: ROUTES.length,
    };
    const target = dispatch(request);
    return target instanceof Promise ? target.then((found) => run(exchange, found)) : run(exchange, target);
  }

  function run(exchange: Exchange, { route, handler }: Target): Response | Promise<Response> {
    exchange.route = route;
    try {
      const reply = handler(exchange.request);
      if (!(reply instanceof Promise)) return answer(exchange, reply);
      return reply.then(
        (settled) => answer(exchange, settled),
        (error) => fail(exchange, error),
      );
    } catch (error) {
      return fail(exchange, error);
    }
  }

  function fail(exchange: Exchange, error: unknown): Response {
    const { requestId } = exchange;
    if (!(error instanceof HttpProblem)) log.error('request failed', { requestId, error });
    return answer(exchange, toProblemReply(error, requestId));
  }

  function answer(exchange: Exchange, reply: Reply): Response {
    const { method, requestId, route } = exchange;
    const { status, contentType, body } = reply;
    // Given to the constructor in one plain object: setting headers afterwards costs more than all of them.
    const headers: Record<string, string> = {
      'content-type': contentType,
      'x-request-id': requestId,
      'x-pod': pod,
      'x-version': version,
      'cache-control': 'no-store',
    };
    if (reply.headers !== undefined) Object.assign(headers, reply.headers);
    // RFC 9112 section 9.6: tells a client with a keep-alive connection to go elsewhere before this one closes.
    if (lifecycle.isDraining) headers.connection = 'close';
    const bodiless = method === 'HEAD' || status === 204;
    if (bodiless) {
      if (status === 204) delete headers['content-type'];
      else headers['content-length'] = String(body.length);
    }
    const response = new Response(bodiless ? null : body, { status, headers });
    const durationMs = now() - exchange.startMs;
    requestMetrics.observe(route, method, status, durationMs);
    log.access({
      requestId,
      method,
      route: ROUTES[route]?.path ?? 'unmatched',
      status,
      durationMs,
      bytes: bodiless ? 0 : body.length,
    });
    return response;
  }

  return { fetch: async (request) => handle(request), handle, totals: requestMetrics.totals };
}

/** A request on its way through the app. */
interface Exchange {
  readonly request: Request;
  readonly method: string;
  readonly requestId: string;
  readonly startMs: number;
  /** Index into {@link ROUTES}; their number until a route is found. */
  route: number;
}
