import { Connection, type ConnectionOwner } from './connection.ts';
import { toTimeout } from './connection-failure.ts';
import type { Ending, Entry, Ledger } from './ledger.ts';
import { type Outcome, toOutcome } from './outcome.ts';
import { createRequestWriter, toRequestId } from './request-writer.ts';
import { ResponseParser } from './response-parser.ts';
import type { Plan } from './settlement.ts';
import type { ConnectionCounts, Transport, TransportOptions, TransportWorld } from './transport.ts';

/** How long a spent connection may wait for the server to close it. */
const LINGER_MS = 1000;
/** What is read from a socket at a time. */
const READ_BYTES = 65_536;
/** Ages are spread by this share to both sides, so that connections do not expire together. */
const AGE_JITTER = 0.2;

/**
 * The instrument's own HTTP/1.1 client. A request that finds no idle connection opens one and is bound to it, so
 * each failed attempt is one request's outcome; at `maxConnections` requests wait, in the order they came.
 */
export function createNetTransport(
  plan: Plan,
  options: TransportOptions,
  ledger: Ledger,
  { clock, random, resolver }: TransportWorld,
): Transport {
  const { target, timeoutMs, maxConnections, connMaxAgeMs, requestId, limits } = options;
  const toText = createRequestWriter(target, plan.endpoints, requestId);
  const wanted = [
    options.podHeader,
    options.versionHeader,
    ...(requestId === null ? [] : [requestId.header]),
  ];
  const wantedNames = wanted.map((name) => name.toLowerCase());

  const counts: ConnectionCounts = { attempted: 0, established: 0, retired: 0, excess: 0 };
  const readBuffer = Buffer.allocUnsafe(READ_BYTES);
  const queue = new Set<Entry>();
  /** Opening, idle and busy ones: those that `maxConnections` bounds. */
  const connections = new Set<Connection>();
  /** In the order they became idle: the longest idle one is next, so that all stay in use. */
  const idle = new Set<Connection>();
  const lingering = new Set<Connection>();

  const owner: ConnectionOwner = {
    onEstablished(connection) {
      counts.established += 1;
      if (connection.entry !== null) write(connection, connection.entry, clock());
    },

    onAnswered(connection, isSpent) {
      const entry = takeEntry(connection);
      const ending = toAnswer(connection, entry);
      if (ending.outcome === 'timeout' || ending.outcome === 'protocol_error') drop(connection);
      else if (isSpent || entry.request.fresh) retire(connection);
      else idle.add(connection);
      dispatch();
      ledger.settle(entry, ending);
    },

    onFailed(connection, outcome, detail) {
      const entry = takeEntry(connection);
      const ending = toEnding(connection, clock(), outcome, detail);
      drop(connection);
      dispatch();
      ledger.settle(entry, ending);
    },

    onClosed(connection) {
      drop(connection);
      dispatch();
    },

    onExcess() {
      counts.excess += 1;
    },
  };

  /** Gives the waiting requests what connections there are, in their order. */
  function dispatch(): void {
    for (const entry of queue) {
      const nowMs = clock();
      const connection = entry.request.fresh ? undefined : takeIdle(nowMs);
      if (connection === undefined && !hasRoom(entry)) return;
      queue.delete(entry);
      if (connection === undefined) open(entry);
      else write(connection, entry, nowMs);
    }
  }

  function takeIdle(nowMs: number): Connection | undefined {
    for (const connection of idle) {
      idle.delete(connection);
      if (!connection.isExpired(nowMs)) return connection;
      counts.retired += 1;
      drop(connection);
    }
    return undefined;
  }

  /** May one more be opened? A fresh connection may take the place of an idle one. */
  function hasRoom({ request }: Entry): boolean {
    if (connections.size < maxConnections) return true;
    if (!request.fresh) return false;
    for (const connection of idle) {
      drop(connection);
      return true;
    }
    return false;
  }

  function open(entry: Entry): void {
    counts.attempted += 1;
    const maxAgeMs = connMaxAgeMs * (1 + AGE_JITTER * (2 * random() - 1));
    const parser = new ResponseParser(limits, wantedNames);
    const connection = new Connection(counts.attempted, maxAgeMs, entry, parser, owner, clock);
    connections.add(connection);
    resolver.resolve(
      (address) => connection.connect(target, address, readBuffer),
      (code) => connection.phase === 'resolving' && connection.fail('dns', code),
    );
  }

  function write(connection: Connection, entry: Entry, nowMs: number): void {
    const { request } = entry;
    ledger.send(entry, nowMs);
    connection.write(entry, toText(request, request.fresh), endpointOf(entry).method, nowMs);
  }

  /** The connection is spent; the server is given time to close it first. */
  function retire(connection: Connection): void {
    connections.delete(connection);
    lingering.add(connection);
    connection.linger();
  }

  function drop(connection: Connection): void {
    connections.delete(connection);
    idle.delete(connection);
    lingering.delete(connection);
    connection.destroy();
  }

  function takeEntry(connection: Connection): Entry {
    const { entry } = connection;
    if (entry === null)
      throw new Error(`connection ${connection.id} ended an exchange that it did not carry`);
    connection.entry = null;
    return entry;
  }

  function endpointOf({ request }: Entry) {
    const endpoint = plan.endpoints[request.endpoint];
    if (endpoint === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    return endpoint;
  }

  function deadlineOf({ request }: Entry): number {
    return request.intendedMs + timeoutMs;
  }

  function toAnswer(connection: Connection, entry: Entry): Ending {
    const { status, values } = connection.parser;
    const endMs = connection.idleSinceMs;
    const [pod = null, version = null, id = null] = values;
    connection.pod = pod ?? connection.pod;
    connection.version = version ?? connection.version;
    if (endMs >= deadlineOf(entry))
      return toEnding(connection, endMs, 'timeout', 'complete after its deadline');
    if (
      requestId !== null &&
      id?.startsWith(requestId.prefix) &&
      id !== toRequestId(requestId, entry.request)
    ) {
      return toEnding(connection, endMs, 'protocol_error', `the response names request ${id}`);
    }
    return toEnding(connection, endMs, toOutcome(status ?? 0, endpointOf(entry).expectedStatus), null);
  }

  function toEnding(
    { facts, parser, pod, version }: Connection,
    endMs: number,
    outcome: Outcome,
    detail: string | null,
  ): Ending {
    const { status, bytesReceived } = parser;
    return { endMs, outcome, status, bytesReceived, connection: facts, pod, version, detail };
  }

  function settleUnsent(entry: Entry, detail: string): void {
    ledger.settle(entry, {
      endMs: clock(),
      outcome: 'not_sent',
      status: null,
      bytesReceived: 0,
      connection: null,
      pod: null,
      version: null,
      detail,
    });
  }

  return {
    counts,

    submit(entry) {
      if (clock() >= deadlineOf(entry)) {
        settleUnsent(entry, 'already past its deadline');
      } else {
        queue.add(entry);
        dispatch();
      }
    },

    sweep(nowMs) {
      for (const entry of queue) {
        if (deadlineOf(entry) > nowMs) break;
        queue.delete(entry);
        settleUnsent(entry, 'no connection became free');
      }
      for (const connection of connections) {
        const outcome = toTimeout(connection.phase);
        if (outcome === null || connection.entry === null || deadlineOf(connection.entry) > nowMs) continue;
        connection.fail(outcome, `the deadline passed while ${connection.phase}`);
      }
      for (const connection of lingering) {
        if (nowMs - connection.idleSinceMs >= LINGER_MS) drop(connection);
      }
    },

    abort() {
      const waiting = [...queue];
      queue.clear();
      for (const entry of waiting) settleUnsent(entry, 'the run was stopped');
      for (const connection of connections) {
        if (connection.entry === null) continue;
        connection.fail(connection.phase === 'busy' ? 'unfinished' : 'not_sent', 'the run was stopped');
      }
    },

    close() {
      for (const connection of [...connections, ...lingering]) drop(connection);
    },
  };
}
