import type { Outcome } from './outcome.ts';
import type { DataTable } from './template.ts';

/** What the body of a response must be. */
export type BodyExpectation =
  /** Exactly this text. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'match'; readonly pattern: RegExp }
  /** JSON with this value at each of these JSON Pointers (RFC 6901). */
  | { readonly kind: 'json'; readonly values: Readonly<Record<string, unknown>> };

/** What is requested: one line of the target's mix. */
export interface Endpoint {
  readonly name: string;
  readonly method: string;
  /** Request target in origin form, query included (RFC 9112 §3.2.1). */
  readonly path: string;
  /** Share of the mix, relative to the other endpoints' weights. */
  readonly weight: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A character for each byte. */
  readonly body?: string;
  /** The only status that counts as ok. Default: any 2xx. */
  readonly expectedStatus?: number;
  readonly expectBody?: BodyExpectation;
  /** The text with which the body ends; blanks after it do not count. */
  readonly expectEnd?: string;
  /** Its own deadline, from the intended time. Default: that of the run. */
  readonly timeoutMs?: number;
}

/** A request as the plan makes it: a pure function of its index. */
export interface PlannedRequest {
  readonly index: number;
  /** When it shall be sent, in ms since the run's start. */
  readonly intendedMs: number;
  /** Position in the plan's `endpoints`. */
  readonly endpoint: number;
  /** Shall it open a connection of its own? */
  readonly fresh: boolean;
  /** Position of its row in the plan's `data`; absent: there is none. */
  readonly row?: number;
}

/** The requests of a run, in the order of their intended times. */
export interface Plan {
  readonly endpoints: readonly Endpoint[];
  /** What `{{column}}` in paths, headers and bodies stands for; absent: it stands for itself. */
  readonly data?: DataTable;
  /** The index-th request; undefined past the end. */
  at(index: number): PlannedRequest | undefined;
}

/** The connection a request was written to, as it was at that moment, or was to be written to, and which failed to open. */
export interface ConnectionFacts {
  readonly id: number;
  /** Had it carried a request before this one? */
  readonly reused: boolean;
  /** What opening it took, TCP and TLS: the first request on it waited for that. Or how long it was tried. */
  readonly setupMs: number;
  /** Since it was established. */
  readonly ageMs: number;
  /** Since its previous response ended; 0 on a connection not used before. */
  readonly idleMs: number;
  /** Requests written to it, this one included; 0: it was never established. */
  readonly requests: number;
  readonly localPort: number | null;
  /** The IP address that it leads to; null: not known. */
  readonly remoteAddress: string | null;
}

/**
 * How one request ended: made exactly once for each request taken from the plan.
 * Times are ms since the run's start, on its monotonic clock.
 */
export interface Settlement {
  readonly index: number;
  /** Where it was sent from, for example the name of a node; null: from this process. */
  readonly from: string | null;
  readonly endpoint: number;
  readonly intendedMs: number;
  /** When it was written; null: never. */
  readonly sentMs: number | null;
  readonly endMs: number;
  readonly outcome: Outcome;
  /** Final status of the response, known as soon as its status line is, even where the rest is missing. */
  readonly status: number | null;
  /** Bytes of the response, head and framing included. */
  readonly bytesReceived: number;
  /** Null: none was tried, or none of which anything is known. */
  readonly connection: ConnectionFacts | null;
  /** Name of the pod that answered last on this connection, this response included. */
  readonly pod: string | null;
  /** Version that answered last on this connection, this response included. */
  readonly version: string | null;
  /** For failures: the socket's error code, or what is wrong with the response. */
  readonly detail: string | null;
  /** For failures: the trace that the request was written with; null: none, or one of the user's own. */
  readonly traceId: string | null;
}
