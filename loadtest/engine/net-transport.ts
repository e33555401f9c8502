import { toBodyReader } from './body-expectation.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { toTimeout } from './connection-failure.ts';
import type { ConnectionEnd } from './connection-ledger.ts';
import { ConnectionPool } from './connection-pool.ts';
import { judgeResponse, toUntried } from './ending.ts';
import type { Ending, Entry, Ledger } from './ledger.ts';
import type { FailureOutcome, Outcome } from './outcome.ts';
import { readName } from './pod-name.ts';
import { createRequestWriter } from './request-writer.ts';
import { ResponseParser } from './response-parser.ts';
import type { Endpoint, Plan } from './settlement.ts';
import type {
  CreateTransport,
  Transport,
  TransportCounts,
  TransportOptions,
  TransportWorld,
} from './transport.ts';

/** A body names its pod at its start, or not at all. */
const NAMING_BYTES = 4_096;
/** What is read from a socket at a time. */
const READ_BYTES = 65_536;
/** Ages are spread by this share to both sides, so that connections do not expire together. */
const AGE_JITTER = 0.2;

/**
 * The instrument's own HTTP/1.1 client. A request that finds no idle connection opens one and is bound to it, so
 * each failed attempt is one request's outcome; at `maxConnections` requests wait, in the order they came.
 */
export const createNetTransport: CreateTransport = (plan, options, ledger, world) =>
  new NetTransport(plan, options, ledger, world);

class NetTransport implements Transport, ConnectionOwner {
  readonly #plan: Plan;
  readonly #options: TransportOptions;
  readonly #ledger: Ledger;
  readonly #world: TransportWorld;
  readonly #clock: () => number;
  readonly #toText: ReturnType<typeof createRequestWriter>;
  /** Lower-case names of the fields that name pod, version and request, in this order. */
  readonly #wanted: readonly string[];
  readonly #readBuffer = Buffer.allocUnsafe(READ_BYTES);
  /** In the order they came. */
  readonly #queue = new Set<Entry>();
  readonly #pool: ConnectionPool<Connection>;
  readonly #hasOwnTimeouts: boolean;
  #excess = 0;

  constructor(plan: Plan, options: TransportOptions, ledger: Ledger, world: TransportWorld) {
    const { target, requestId, podHeader, versionHeader } = options;
    this.#plan = plan;
    this.#options = options;
    this.#ledger = ledger;
    this.#world = world;
    this.#clock = world.clock;
    this.#toText = createRequestWriter(target, plan, options, world.headers);
    const fields = [podHeader, versionHeader, ...(requestId === null ? [] : [requestId.header])];
    this.#wanted = fields.map((name) => name.toLowerCase());
    this.#hasOwnTimeouts = plan.endpoints.some(({ timeoutMs }) => timeoutMs !== undefined);
    this.#pool = new ConnectionPool({
      max: options.maxConnections,
      kept: options.keptConnections,
      idle: options.idleConnections,
    });
  }

  get counts(): TransportCounts {
    return { retired: this.#pool.expired, excess: this.#excess };
  }

  submit(entry: Entry): void {
    const nowMs = this.#clock();
    if (nowMs >= this.#deadlineOf(entry)) {
      this.#ledger.settle(entry, toUntried(nowMs, 'already past its deadline'));
    } else {
      this.#queue.add(entry);
      this.#dispatch();
    }
  }

  sweep(nowMs: number): void {
    for (const entry of this.#queue) {
      if (this.#deadlineOf(entry) > nowMs) {
        if (this.#hasOwnTimeouts) continue;
        break;
      }
      this.#queue.delete(entry);
      this.#ledger.settle(entry, toUntried(this.#clock(), 'no connection became free'));
    }
    for (const connection of this.#pool.open) {
      const { entry, phase } = connection;
      const outcome = toTimeout(phase);
      if (outcome === null || entry === null || this.#deadlineOf(entry) > nowMs) continue;
      connection.fail(outcome, `the deadline passed while ${phase}`);
    }
    this.#pool.dropLingering(nowMs);
  }

  abort(): void {
    const waiting = [...this.#queue];
    this.#queue.clear();
    for (const entry of waiting) this.#ledger.settle(entry, toUntried(this.#clock(), 'the run was stopped'));
    for (const connection of this.#pool.open) {
      if (connection.entry === null) continue;
      connection.fail(connection.phase === 'busy' ? 'unfinished' : 'not_sent', 'the run was stopped');
    }
  }

  close(): void {
    this.#pool.dropAll();
  }

  onEstablished(connection: Connection): void {
    this.#world.connections.establish();
    if (connection.entry !== null) this.#write(connection, connection.entry, this.#clock());
  }

  onAnswered(connection: Connection, isSpent: boolean): void {
    const entry = takeEntry(connection);
    const ending = this.#toAnswered(connection, entry);
    if (ending.outcome === 'timeout' || ending.outcome === 'protocol_error') this.#pool.drop(connection);
    else if (isSpent || entry.request.fresh) this.#pool.retire(connection);
    else this.#pool.release(connection);
    this.#dispatch();
    this.#ledger.settle(entry, ending);
  }

  onFailed(connection: Connection, outcome: FailureOutcome, detail: string): void {
    const entry = takeEntry(connection);
    const ending = toEnding(connection, this.#clock(), outcome, detail);
    this.#pool.drop(connection);
    this.#dispatch();
    this.#ledger.settle(entry, ending);
  }

  onClosed(connection: Connection): void {
    this.#pool.drop(connection);
    this.#dispatch();
  }

  onExcess(): void {
    this.#excess += 1;
  }

  onEnded(end: ConnectionEnd): void {
    this.#world.connections.end(end);
  }

  /** Gives the waiting requests what connections there are, in their order. */
  #dispatch(): void {
    for (const entry of this.#queue) {
      const nowMs = this.#clock();
      const { fresh } = entry.request;
      const connection = fresh ? undefined : this.#pool.take(nowMs);
      if (connection === undefined && !this.#pool.makeRoom(fresh)) return;
      this.#queue.delete(entry);
      if (connection === undefined) this.#open(entry);
      else this.#write(connection, entry, nowMs);
    }
  }

  #open(entry: Entry): void {
    const { connections, random, resolver } = this.#world;
    const { target, connMaxAgeMs, limits } = this.#options;
    const maxAgeMs = connMaxAgeMs * (1 + AGE_JITTER * (2 * random() - 1));
    const parser = new ResponseParser(limits, this.#wanted);
    const connection = new Connection(connections.open(), maxAgeMs, entry, parser, this, this.#clock);
    this.#pool.add(connection);
    resolver.resolve(
      (address) => connection.connect(target, address, this.#readBuffer),
      (code) => connection.phase === 'resolving' && connection.fail('dns', code),
    );
  }

  #write(connection: Connection, entry: Entry, nowMs: number): void {
    const { request } = entry;
    this.#ledger.send(entry, nowMs);
    const endpoint = this.#endpointOf(entry);
    const text = this.#toText(request, request.fresh);
    const body = toBodyReader(endpoint, this.#options.podText === undefined ? 0 : NAMING_BYTES);
    connection.write(entry, text, endpoint.method, body, nowMs);
  }

  #toAnswered(connection: Connection, entry: Entry): Ending {
    const { parser, idleSinceMs: endMs } = connection;
    const [pod = null, version = null, requestId = null] = parser.values;
    const { podText } = this.#options;
    const named =
      pod ?? (podText === undefined ? null : readName(parser.body?.start.toString('latin1') ?? '', podText));
    connection.pod = named ?? connection.pod;
    connection.version = version ?? connection.version;
    const response = { endMs, status: parser.status ?? 0, requestId, body: parser.body };
    const endpoint = this.#endpointOf(entry);
    const terms = { timeoutMs: this.#timeoutOf(endpoint), requestId: this.#options.requestId };
    const { outcome, detail } = judgeResponse(response, entry.request, terms, endpoint);
    return toEnding(connection, endMs, outcome, detail);
  }

  #endpointOf({ request }: Entry): Endpoint {
    const endpoint = this.#plan.endpoints[request.endpoint];
    if (endpoint === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    return endpoint;
  }

  #deadlineOf(entry: Entry): number {
    return entry.request.intendedMs + this.#timeoutOf(this.#endpointOf(entry));
  }

  #timeoutOf({ timeoutMs }: Endpoint): number {
    return timeoutMs ?? this.#options.timeoutMs;
  }
}

function takeEntry(connection: Connection): Entry {
  const { entry } = connection;
  if (entry === null) throw new Error(`connection ${connection.id} ended an exchange that it did not carry`);
  connection.entry = null;
  return entry;
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
