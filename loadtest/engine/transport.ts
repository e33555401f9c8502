import type { ConnectionLedger } from './connection-ledger.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { Headers, RequestIdField } from './request-writer.ts';
import type { Resolver } from './resolver.ts';
import type { ResponseLimits } from './response-parser.ts';
import type { Plan } from './settlement.ts';
import type { Target } from './target.ts';
import type { TraceContext } from './trace-context.ts';

export interface TransportOptions {
  readonly target: Target;
  /** The deadline of each request without its own, from its intended time: over queue, connect, first byte and body. */
  readonly timeoutMs: number;
  /** Connections open at a time; further requests wait. */
  readonly maxConnections: number;
  /** A keep-alive connection is closed at about this age, spread by 20 % to both sides; Infinity: never. */
  readonly connMaxAgeMs: number;
  /**
   * Keep-alive connections that are opened before one is used again, so that each has its share of the requests; more
   * only while all are busy.
   */
  readonly keptConnections: number;
  /** Connections that carry one request each and are then left idle, to see how long the server keeps them. */
  readonly idleConnections: number;
  /** Names of the response's fields that say which pod and which version answered. */
  readonly podHeader: string;
  readonly versionHeader: string;
  /** Text that stands before the pod's name in the body, for responses without the field; undefined: bodies are not read. */
  readonly podText?: string;
  /** Null: requests carry no id. With one, a response that names another request's id is a protocol_error. */
  readonly requestId: RequestIdField | null;
  /** Null: requests have no trace, save where an endpoint's own headers say so. */
  readonly trace: TraceContext | null;
  readonly limits: ResponseLimits;
}

export interface TransportWorld {
  /** Ms since the run's start, monotonic. */
  readonly clock: () => number;
  /** 0 up to 1, seeded. */
  readonly random: () => number;
  readonly resolver: Resolver;
  /** The headers to send now where an endpoint has none of that name: another object once they change. Default: none. */
  readonly headers?: (() => Headers) | undefined;
  /** Where each connection is opened and ends. */
  readonly connections: ConnectionLedger;
}

/** What happened to connections besides their endings, over the whole run. */
export interface TransportCounts {
  /** Closed by this side because of their age. */
  retired: number;
  /** Dropped because bytes came that no request had asked for: a second response, or one too long. */
  excess: number;
}

/** A way to carry requests. It settles each entry it is given, exactly once. */
export interface Transport {
  readonly counts: Readonly<TransportCounts>;
  submit(entry: Entry): void;
  /** Ends every request whose deadline has passed. */
  sweep(nowMs: number): void;
  /** Ends every request: the written ones as `unfinished`, the others as `not_sent`. */
  abort(): void;
  /** Closes all connections. No request may be open. */
  close(): void;
}

/** Makes the transport of one run, which settles its entries in the ledger. */
export type CreateTransport = (
  plan: Plan,
  options: TransportOptions,
  ledger: Ledger,
  world: TransportWorld,
) => Transport;
