import type { Socket } from 'node:net';
import { findBodyFault, toBodyReader } from '../engine/body-expectation.ts';
import { toOutcome } from '../engine/outcome.ts';
import { createRequestWriter, type Headers } from '../engine/request-writer.ts';
import { RESPONSE_LIMITS, ResponseParser } from '../engine/response-parser.ts';
import type { Endpoint, Plan, PlannedRequest } from '../engine/settlement.ts';
import type { Target } from '../engine/target.ts';
import { openStream } from '../engine/tunnel.ts';

/** How one request of the contract ended. Times are of `performance.now()`. */
export interface Exchange {
  readonly sentMs: number;
  readonly endMs: number;
  /** Null: no complete response. */
  readonly status: number | null;
  /** Is a complete response what its request expects? Absent: it expects nothing, and any 2xx or 3xx will do. */
  readonly verdict?: { readonly isExpected: boolean; readonly detail: string };
  /** Did the response announce that the connection will be closed? */
  readonly isClosing: boolean;
  /** Why there is no response; null: there is one. `refused`: there was no connection to write to. */
  readonly failure: 'refused' | 'cut' | 'timeout' | null;
}

/** What a subject is sent besides probes. */
export interface ContractRequests {
  /** Requests that are responded to at once, one after the other. */
  readonly plan: Plan;
  /** One that takes long enough to be in flight at SIGTERM; null: none is known. */
  readonly slow: Endpoint | null;
  /** Sent with both, where they do not have them: another object once they change. Default: none. */
  readonly headers?: () => Headers;
}

/** GET requests to one path, and the slow ones to another. */
export function toPathRequests(path: string, slowPath: string | null): ContractRequests {
  const toGet = (to: string) => ({ name: to, method: 'GET', path: to, weight: 1 });
  return {
    plan: {
      endpoints: [toGet(path)],
      at: (index) => ({ index, intendedMs: 0, endpoint: 0, fresh: false }),
    },
    slow: slowPath === null ? null : toGet(slowPath),
  };
}

/** A keep-alive connection, used by one request at a time. */
export interface Client {
  /** Sends the next request of the plan. */
  send(): Promise<Exchange>;
  /**
   * Writes the first half of the next request of the plan.
   * @returns a function that writes the rest, which is when the request counts as sent
   */
  sendHalf(): () => Promise<Exchange>;
  /** `Keep-Alive` of its last response; null: none. */
  readonly keepAlive: string | null;
  /** Was it closed from the other side while no request was on it? */
  readonly wasClosedIdle: boolean;
  /** Resolves when it is closed from the other side: in order (FIN), or not (RST). */
  readonly gone: Promise<Closing>;
  readonly isOpen: boolean;
  close(): void;
}

/** How the other side closed a connection. */
export type Closing = 'FIN' | 'RST';

const TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 2_000;
const UNNAMED = { requestId: null, trace: null };

/** Opens the connections of one observation. */
export interface Dialer {
  /** Null: the connection was refused, or not established in time. */
  open(): Promise<Client | null>;
  /** A GET request on a fresh connection, as a probe sends it. */
  probe(path: string, timeoutMs?: number): Promise<Exchange>;
  /** The next request of the plan, on a fresh connection. */
  sendOnce(): Promise<Exchange>;
  /** The slow request, on a fresh connection. There must be one. */
  sendSlow(): Promise<Exchange>;
  /** Cuts every connection, including those being opened. */
  close(): void;
}

/** A request as it is written. */
interface Written extends Pick<Endpoint, 'method' | 'expectedStatus' | 'expectBody' | 'expectEnd'> {
  readonly text: string;
  readonly timeoutMs: number;
}

interface WrittenClient extends Client {
  write(request: Written): Promise<Exchange>;
}

export function createDialer(target: Target, requests: ContractRequests): Dialer {
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  const next = createWriter(target, requests);

  async function open(): Promise<WrittenClient | null> {
    if (closing.signal.aborted) return null;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
    const socket = await openStream(target, { signal }).catch(() => null);
    if (socket === null) return null;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return createClient(socket, next.planned);
  }

  async function once(request: Written): Promise<Exchange> {
    const sentMs = performance.now();
    const client = await open();
    if (client === null) {
      return { sentMs, endMs: performance.now(), status: null, isClosing: false, failure: 'refused' };
    }
    const exchange = await client.write(request);
    client.close();
    return exchange;
  }

  return {
    open,
    probe: (path, timeoutMs = TIMEOUT_MS) => once({ ...next.probe(path), timeoutMs }),
    sendOnce: () => once(next.planned()),
    sendSlow: () => once(next.slow()),
    close() {
      closing.abort();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Writes the requests of a plan one after the other, the slow one, and probes. */
function createWriter(target: Target, { plan, slow, headers }: ContractRequests) {
  const endpoints = slow === null ? plan.endpoints : [...plan.endpoints, slow];
  const toText = createRequestWriter(target, { ...plan, endpoints }, UNNAMED, headers);
  let count = 0;
  const write = (request: PlannedRequest): Written => {
    const endpoint = endpoints[request.endpoint];
    if (endpoint === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    const { timeoutMs = TIMEOUT_MS } = endpoint;
    return { ...endpoint, text: toText(request, false), timeoutMs };
  };
  return {
    planned() {
      const request = plan.at(count);
      if (request === undefined) throw new RangeError('the plan is over');
      count += 1;
      return write(request);
    },
    slow: () => write({ index: 0, intendedMs: 0, endpoint: endpoints.length - 1, fresh: true }),
    probe(path: string): Omit<Written, 'timeoutMs'> {
      const endpoint = { name: path, method: 'GET', path, weight: 1 };
      const toProbe = createRequestWriter(target, { endpoints: [endpoint] }, UNNAMED);
      return { ...endpoint, text: toProbe({ index: 0, intendedMs: 0, endpoint: 0, fresh: true }, false) };
    },
  };
}

function createClient(socket: Socket, next: () => Written): WrittenClient {
  const parser = new ResponseParser(RESPONSE_LIMITS, ['keep-alive']);
  let settle: ((failure: Exchange['failure']) => void) | null = null;
  let isOpen = true;
  let wasClosedIdle = false;
  let tellGone: (by: Closing) => void = () => {};
  const gone = new Promise<Closing>((resolve) => {
    tellGone = resolve;
  });

  const close = () => {
    isOpen = false;
    socket.destroy();
  };
  const onGone = (by: Closing) => {
    if (!isOpen) return;
    isOpen = false;
    tellGone(by);
    parser.end();
    if (settle === null) wasClosedIdle = true;
    else settle(parser.isComplete ? null : 'cut');
  };
  socket.on('data', (chunk) => {
    parser.push(chunk);
    if (settle !== null && (parser.isComplete || parser.isRefused)) settle(parser.isComplete ? null : 'cut');
  });
  socket.on('end', () => onGone('FIN'));
  socket.on('error', () => onGone('RST'));
  socket.on('close', () => onGone('RST'));

  /** Writes the rest of a request, and waits for the response that the parser expects. */
  function finish(rest: string, request: Written): Promise<Exchange> {
    const sentMs = performance.now();
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle?.('timeout'), request.timeoutMs);
      settle = (failure) => {
        settle = null;
        clearTimeout(timer);
        const isClosing = failure === null && !parser.isPersistent;
        if (isClosing || failure !== null) close();
        const ended = { sentMs, endMs: performance.now(), isClosing, failure };
        resolve(failure === null ? { ...ended, ...judge(parser, request) } : { ...ended, status: null });
      };
      // To half a request the server may have responded already.
      if (parser.isComplete) settle(null);
      else if (isOpen && !parser.isRefused) socket.write(rest, 'latin1');
      else settle('cut');
    });
  }

  const begin = (request: Written) => parser.begin(request.method, toBodyReader(request, 0));
  const write = (request: Written) => {
    begin(request);
    return finish(request.text, request);
  };
  return {
    write,
    send: () => write(next()),
    sendHalf() {
      const request = next();
      const half = request.text.length >> 1;
      begin(request);
      socket.write(request.text.slice(0, half), 'latin1');
      return () => finish(request.text.slice(half), request);
    },
    get keepAlive() {
      return parser.values[0] ?? null;
    },
    get wasClosedIdle() {
      return wasClosedIdle;
    },
    gone,
    get isOpen() {
      return isOpen;
    },
    close,
  };
}

/** The status of a complete response, and whether it is what the request expects. */
function judge({ status, body }: ResponseParser, request: Written): Pick<Exchange, 'status' | 'verdict'> {
  const { expectedStatus } = request;
  if (expectedStatus === undefined && body === null) return { status };
  const outcome = toOutcome(status ?? 0, expectedStatus);
  const fault = outcome !== 'ok' || body === null ? null : findBodyFault(request, body);
  const detail = fault === null ? `status ${status}` : `${fault.outcome}: ${fault.detail}`;
  return { status, verdict: { isExpected: outcome === 'ok' && fault === null, detail } };
}
