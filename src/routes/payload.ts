import type { Config } from '../config.ts';
import { fibonacci, LARGEST_INLINE_N } from '../domain/fibonacci.ts';
import { HttpProblem } from '../problem.ts';
import { json, type Reply } from '../reply.ts';
import type { FibonacciPool, PoolResult } from '../world.ts';

interface PayloadWorld {
  readonly config: Pick<Config, 'maxRandomNumber' | 'payloadMaxN' | 'payloadTimeoutMs' | 'queueLength'>;
  readonly pool: FibonacciPool;
  /** Random source, 0 inclusive to 1 exclusive. */
  readonly random: () => number;
}

/** CPU work that can be checked: `{n, fibonacci, computed}` for `?n=`, or for a random n. */
export function createPayloadHandler({ config, pool, random }: PayloadWorld) {
  return (request: Request): Reply | Promise<Reply> => {
    const n = parseN(request.url, config.payloadMaxN) ?? Math.floor(random() * (config.maxRandomNumber + 1));
    if (n <= LARGEST_INLINE_N) return json(200, { n, fibonacci: fibonacci(n), computed: 'inline' });
    return pool.compute(n, request.signal).then((result) => toReply(n, result, config));
  };
}

/**
 * The `n` of a URL's query.
 *
 * @param url an absolute URL.
 * @param max largest n that is accepted.
 * @returns undefined if the query has no `n`.
 * @throws HttpProblem 400 unless there is one `n` and it is a decimal whole number from 0 to max, without sign,
 *   exponent, fraction, spaces or leading zeros.
 */
export function parseN(url: string, max: number): number | undefined {
  const queryStart = url.indexOf('?');
  if (queryStart === -1) return undefined;
  const values = new URLSearchParams(url.slice(queryStart)).getAll('n');
  const [raw] = values;
  if (raw === undefined) return undefined;
  if (values.length > 1) throw badN(`n is given ${values.length} times: expected once`);
  const n = /^(0|[1-9]\d{0,2})$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(n <= max)) {
    const shown = JSON.stringify(raw.length > 40 ? `${raw.slice(0, 40)}…` : raw);
    throw badN(`n is ${shown}: expected a whole number from 0 to ${max}`);
  }
  return n;
}

function badN(detail: string): HttpProblem {
  return new HttpProblem({ status: 400, title: 'Bad Request', detail });
}

function toReply(
  n: number,
  result: PoolResult,
  { payloadTimeoutMs, queueLength }: PayloadWorld['config'],
): Reply {
  switch (result.kind) {
    case 'computed':
      return json(200, { n, fibonacci: result.value, computed: 'worker' });
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
      throw new HttpProblem({
        status: 499,
        title: 'Client Closed Request',
        detail: 'the client went away before the result was there',
      });
    case 'crashed':
      throw new HttpProblem({
        status: 500,
        title: 'Internal Server Error',
        detail: `the worker that computed n = ${n} crashed; a new one has taken its place`,
      });
  }
}
