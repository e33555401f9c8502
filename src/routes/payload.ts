import type { Config } from '../config.ts';
import { fibonacci, LARGEST_INLINE_N } from '../domain/fibonacci.ts';
import { HttpProblem } from '../problem.ts';
import { json, type Reply } from '../reply.ts';
import type { FibonacciPool, PoolResult, Wait } from '../world.ts';

interface PayloadWorld {
  readonly config: Pick<Config, 'maxRandomNumber' | 'payloadMaxN' | 'payloadTimeoutMs' | 'queueLength'>;
  readonly pool: FibonacciPool;
  /** Random source, 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly wait: Wait;
}

interface Payload {
  readonly n: number;
  readonly fibonacci: number;
  readonly computed: 'inline' | 'worker';
}

/**
 * CPU work that can be checked: `{n, fibonacci, computed}` for `?n=`, or for a random n. With `?delayMs=`, the
 * answer is held back for that long: a request of known length, which costs nothing while it is in flight.
 */
export function createPayloadHandler({ config, pool, random, wait }: PayloadWorld) {
  return (request: Request): Reply | Promise<Reply> => {
    const query = toQuery(request.url);
    const n =
      parseWhole(query, 'n', config.payloadMaxN) ?? Math.floor(random() * (config.maxRandomNumber + 1));
    const delayMs = parseWhole(query, 'delayMs', config.payloadTimeoutMs);
    const finish =
      delayMs === undefined ? toReply : (payload: Payload) => holdBack(payload, delayMs, request.signal);
    if (n <= LARGEST_INLINE_N) return finish({ n, fibonacci: fibonacci(n), computed: 'inline' });
    return pool.compute(n, request.signal).then((result) => finish(toPayload(n, result, config)));
  };

  async function holdBack(payload: Payload, delayMs: number, client: AbortSignal): Promise<Reply> {
    await wait(delayMs, client);
    if (client.aborted) throw abandoned();
    return json(200, { ...payload, delayMs });
  }
}

/** The query of an absolute URL; undefined for a URL without one, which is then not parsed at all. */
export function toQuery(url: string): URLSearchParams | undefined {
  const start = url.indexOf('?');
  return start === -1 ? undefined : new URLSearchParams(url.slice(start));
}

/**
 * A number of a query.
 *
 * @param max largest number that is accepted, of at most ten digits.
 * @returns undefined if the query does not have that name.
 * @throws HttpProblem 400 unless the name is given once and its value is a decimal whole number from 0 to max,
 *   without sign, exponent, fraction, spaces or leading zeros.
 */
export function parseWhole(
  query: URLSearchParams | undefined,
  name: 'n' | 'delayMs',
  max: number,
): number | undefined {
  if (query === undefined || !query.has(name)) return undefined;
  const values = query.getAll(name);
  if (values.length > 1) throw badRequest(`${name} is given ${values.length} times: expected once`);
  const [raw = ''] = values;
  const value = /^(0|[1-9]\d{0,9})$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(value <= max)) {
    const shown = JSON.stringify(raw.length > 40 ? `${raw.slice(0, 40)}…` : raw);
    throw badRequest(`${name} is ${shown}: expected a whole number from 0 to ${max}`);
  }
  return value;
}

function badRequest(detail: string): HttpProblem {
  return new HttpProblem({ status: 400, title: 'Bad Request', detail });
}

/** The response to a client that has gone: for the metrics and the log alone. */
function abandoned(): HttpProblem {
  return new HttpProblem({
    status: 499,
    title: 'Client Closed Request',
    detail: 'the client went away before it was answered',
  });
}

function toReply(payload: Payload): Reply {
  return json(200, payload);
}

function toPayload(
  n: number,
  result: PoolResult,
  { payloadTimeoutMs, queueLength }: PayloadWorld['config'],
): Payload {
  switch (result.kind) {
    case 'computed':
      return { n, fibonacci: result.value, computed: 'worker' };
    case 'queue-full':
      throw new HttpProblem({
        status: 503,
        title: 'Service Unavailable',
        detail: `every worker is busy and ${queueLength} payloads wait already`,
        headers: { 'retry-after': '1' },
      });
    case 'timed-out':
      throw new HttpProblem({
        status: 504,
        title: 'Gateway Timeout',
        detail: `n = ${n} was not computed within ${payloadTimeoutMs} ms`,
      });
    case 'abandoned':
      throw abandoned();
    case 'crashed':
      throw new HttpProblem({
        status: 500,
        title: 'Internal Server Error',
        detail: `the worker that computed n = ${n} crashed; a new one has taken its place`,
      });
  }
}
