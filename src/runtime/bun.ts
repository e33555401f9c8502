import { LIMITS, type Server, type ServerOptions } from './server.ts';

/** Serves Fetch handlers with `Bun.serve`. */
export async function serve({ port, host, handle }: ServerOptions): Promise<Server> {
  const server = Bun.serve({
    port,
    hostname: host,
    development: false,
    idleTimeout: LIMITS.idleTimeoutMs / 1000,
    maxRequestBodySize: LIMITS.maxBodyBytes,
    // A request of HTTP/1.0 without Host has only its target for a URL, which Fetch code cannot parse.
    fetch: (request) =>
      handle(
        request.url.charCodeAt(0) === SLASH
          ? new Request(`http://localhost${request.url}`, request)
          : request,
      ),
    error: () => new Response(null, { status: 500 }),
  });
  return {
    port: server.port ?? port,
    inFlight: () => server.pendingRequests,
    refused: () => 0,
    stopListening: () => void server.stop(false),
    closeConnections: () => void server.stop(true),
  };
}

const SLASH = 47;
