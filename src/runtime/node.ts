import { createServer, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { LIMITS, type Server, type ServerOptions } from './server.ts';

/** Serves Fetch handlers with `node:http` through the adapter of `@hono/node-server`. */
export async function serve({ port, host, handle }: ServerOptions): Promise<Server> {
  let inFlight = 0;
  let refused = 0;
  const listener = getRequestListener(handle, {
    hostname: 'localhost', // for HTTP/1.0 requests without Host
    errorHandler: () => {
      refused += 1;
      return new Response(problem(400), { status: 400, headers: PROBLEM });
    },
  });
  const server = createServer(
    {
      keepAliveTimeout: LIMITS.idleTimeoutMs,
      headersTimeout: LIMITS.headersTimeoutMs,
      requestTimeout: LIMITS.requestTimeoutMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: LIMITS.maxHeaderBytes,
      requireHostHeader: false,
    },
    (request, response) => {
      inFlight += 1;
      response.once('close', () => {
        inFlight -= 1;
      });
      if (Number(request.headers['content-length'] ?? 0) > LIMITS.maxBodyBytes) {
        refused += 1;
        response.writeHead(413, { ...PROBLEM, connection: 'close' }).end(problem(413));
        return;
      }
      void listener(request, response);
    },
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    refused += 1;
    const status = REFUSALS[error.code ?? ''] ?? 400;
    const body = problem(status);
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM['content-type']}\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    inFlight: () => inFlight,
    refused: () => refused,
    stopListening: () => void server.close(),
    closeConnections: () => server.closeAllConnections(),
  };
}

const PROBLEM = { 'content-type': 'application/problem+json' };

/** Codes of `clientError` that deserve more than 400. */
const REFUSALS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function problem(status: number): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status });
}
