/** A listening HTTP server, whatever the runtime. */
export interface Server {
  readonly port: number;
  /** Requests whose response, body included, has not been handed to the kernel in full. */
  inFlight(): number;
  /** Requests that the server refused by itself, before the handler. */
  refused(): number;
  /** Closes the listener and keep-alive connections that are idle; requests in flight go on. */
  stopListening(): void;
  /** Cuts what is left. */
  closeConnections(): void;
}

export interface ServerOptions {
  readonly port: number;
  readonly host: string;
  readonly handle: (request: Request) => Response | Promise<Response>;
}

/**
 * Limits of both servers. What a runtime cannot be told is said in docs/decisions/service.md.
 */
export const LIMITS = {
  /**
   * An idle keep-alive connection stays this long: longer than the 60 s after which common load balancers drop
   * theirs, so that the balancer closes first and never writes into a closing connection.
   */
  idleTimeoutMs: 75_000,
  /** A request's headers must be complete within this time. */
  headersTimeoutMs: 10_000,
  /** A request, body included, must be complete within this time. */
  requestTimeoutMs: 30_000,
  /** Request line and headers together. */
  maxHeaderBytes: 16_384,
  /** No route reads a body: small ones are skipped, larger ones refused. */
  maxBodyBytes: 65_536,
} as const;
