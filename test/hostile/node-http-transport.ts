import { Agent, type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import type { Socket } from 'node:net';
import { toErrorCode, toFailure } from '../../loadtest/engine/connection-failure.ts';
import type { Entry, Ledger } from '../../loadtest/engine/ledger.ts';
import { type FailureOutcome, type Outcome, toOutcome } from '../../loadtest/engine/outcome.ts';
import { toFields, toRequestId } from '../../loadtest/engine/request-writer.ts';
import type { ConnectionFacts, Plan } from '../../loadtest/engine/settlement.ts';
import type {
  Transport,
  TransportCounts,
  TransportOptions,
  TransportWorld,
} from '../../loadtest/engine/transport.ts';

interface Exchange {
  readonly entry: Entry;
  readonly client: ClientRequest;
  facts: ConnectionFacts | null;
  response: IncomingMessage | null;
  bodyBytes: number;
}

/** What this transport knows of a socket of the agent's. */
interface SocketRecord {
  readonly id: number;
  readonly setupMs: number;
  readonly establishedMs: number;
  idleSinceMs: number;
  requests: number;
}

/**
 * An oracle for the instrument's own client: the same interface over `node:http` and its keep-alive Agent, without
 * TLS. Its counts are exact; its kinds of failure are coarser, since node:http tells a reset from a close only in part,
 * and its connections have no maximum age.
 */
export function createNodeHttpTransport(
  plan: Plan,
  options: TransportOptions,
  ledger: Ledger,
  { clock }: TransportWorld,
): Transport {
  const { target, timeoutMs, maxConnections, requestId } = options;
  const { host, port } = target;
  const agent = new Agent({ keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections });
  const headers = plan.endpoints.map((endpoint) => Object.fromEntries(toFields(target, endpoint)));

  const counts: TransportCounts = { retired: 0, excess: 0 };
  let lastId = 0;
  const exchanges = new Map<Entry, Exchange>();
  const sockets = new WeakMap<Socket, SocketRecord>();

  function submit(entry: Entry): void {
    const { request } = entry;
    const endpoint = plan.endpoints[request.endpoint];
    if (endpoint === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    const submittedMs = clock();
    const client = send({
      host,
      port,
      method: endpoint.method,
      path: endpoint.path,
      headers: {
        ...headers[request.endpoint],
        ...(requestId === null ? {} : { [requestId.header]: toRequestId(requestId, request) }),
        ...(request.fresh ? { Connection: 'close' } : {}),
      },
      agent: request.fresh ? false : agent,
    });
    const exchange: Exchange = { entry, client, facts: null, response: null, bodyBytes: 0 };
    exchanges.set(entry, exchange);

    client.once('socket', (socket) => {
      const socketMs = clock();
      const onWritable = () => exchanges.has(entry) && onSent(exchange, socket, clock() - socketMs);
      if (socket.connecting) socket.once('connect', onWritable);
      else onWritable();
    });
    client.once('response', (response) => onResponse(exchange, response));
    client.on('error', (error) => {
      if (entry.sentMs === null) exchange.facts = toAttempt(error, clock() - submittedMs);
      settle(exchange, toHttpFailure(error, exchange), toErrorCode(error));
    });
    client.once('close', () => settle(exchange, 'closed_before_response', 'closed'));
    client.end(endpoint.body ?? '', 'latin1');
  }

  function onSent(exchange: Exchange, socket: Socket, setupMs: number): void {
    const nowMs = clock();
    const record = sockets.get(socket) ?? register(socket, nowMs, setupMs);
    record.requests += 1;
    const reused = record.requests > 1;
    exchange.facts = {
      id: record.id,
      reused,
      setupMs: record.setupMs,
      ageMs: nowMs - record.establishedMs,
      idleMs: reused ? nowMs - record.idleSinceMs : 0,
      requests: record.requests,
      localPort: socket.localPort ?? null,
      remoteAddress: socket.remoteAddress ?? null,
    };
    ledger.send(exchange.entry, nowMs);
  }

  /** What the error of a connection that failed to open tells of it: node:http itself tells nothing. */
  function toAttempt(error: Error, setupMs: number): ConnectionFacts | null {
    const address = 'address' in error && typeof error.address === 'string' ? error.address : null;
    if (address === null) return null;
    lastId += 1;
    const unused = { reused: false, ageMs: 0, idleMs: 0, requests: 0, localPort: null };
    return { id: lastId, setupMs, remoteAddress: address, ...unused };
  }

  function register(socket: Socket, nowMs: number, setupMs: number): SocketRecord {
    lastId += 1;
    const record = { id: lastId, setupMs, establishedMs: nowMs, idleSinceMs: nowMs, requests: 0 };
    sockets.set(socket, record);
    return record;
  }

  function onResponse(exchange: Exchange, response: IncomingMessage): void {
    const { socket } = response;
    const { request } = exchange.entry;
    exchange.response = response;
    response.on('data', (chunk: Buffer) => {
      exchange.bodyBytes += chunk.length;
    });
    response.once('end', () => {
      const record = sockets.get(socket);
      if (record !== undefined) record.idleSinceMs = clock();
      const expected = plan.endpoints[request.endpoint]?.expectedStatus;
      if (response.complete) settle(exchange, toOutcome(response.statusCode ?? 0, expected), null);
      else settle(exchange, 'truncated', 'closed by the server');
    });
    response.on('error', (error) => settle(exchange, 'truncated', toErrorCode(error)));
  }

  /** Once per exchange; what node:http reports after that is of no account. */
  function settle(exchange: Exchange, outcome: Outcome, detail: string | null): void {
    const { entry, response, facts, bodyBytes } = exchange;
    if (!exchanges.delete(entry)) return;
    const endMs = clock();
    const isLate = detail === null && endMs >= deadlineOf(entry);
    ledger.settle(entry, {
      endMs,
      outcome: isLate ? 'timeout' : outcome,
      status: response?.statusCode ?? null,
      bytesReceived: bodyBytes,
      connection: facts,
      pod: field(response, options.podHeader),
      version: field(response, options.versionHeader),
      detail: isLate ? 'complete after its deadline' : detail,
    });
    if (detail !== null || isLate) exchange.client.destroy();
  }

  function deadlineOf({ request }: Entry): number {
    return request.intendedMs + timeoutMs;
  }

  return {
    counts,
    submit,

    sweep(nowMs) {
      for (const exchange of exchanges.values()) {
        if (deadlineOf(exchange.entry) > nowMs) continue;
        settle(exchange, exchange.entry.sentMs === null ? 'not_sent' : 'timeout', 'the deadline passed');
      }
    },

    abort() {
      for (const exchange of exchanges.values()) {
        settle(exchange, exchange.entry.sentMs === null ? 'not_sent' : 'unfinished', 'the run was stopped');
      }
    },

    close() {
      agent.destroy();
    },
  };
}

function field(response: IncomingMessage | null, name: string): string | null {
  const value = response?.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : null;
}

function toHttpFailure(error: Error, { entry, response }: Exchange): FailureOutcome {
  const code = toErrorCode(error);
  if (code.startsWith('HPE_')) return 'protocol_error';
  if (response !== null) return 'truncated';
  if (entry.sentMs === null) return toFailure('connecting', code, 0) ?? 'refused';
  return error.message === 'socket hang up' ? 'closed_before_response' : 'reset';
}
