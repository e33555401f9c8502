import { createServer } from 'node:http';
import { Fault } from '../cli/fault.ts';
import { EXPOSITION_TYPE } from './exposition.ts';

/** Where to listen. */
export interface ListenAddress {
  /** Null: every address of this machine. */
  readonly host: string | null;
  readonly port: number;
}

/** `:9464`, `127.0.0.1:9464`, `[::1]:9464`. @throws {Fault} where it is not one of these */
export function parseListenAddress(text: string): ListenAddress {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:]+\]|[^:]*):(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw new Fault('must be :PORT or HOST:PORT, for example :9464');
  }
  return { host: host === '' ? null : host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Metrics at `/metrics`, and health at `/healthz`. */
export interface MetricsServer {
  readonly port: number;
  close(): void;
}

/**
 * @param format called for each scrape
 * @throws {Fault} where nobody can listen there
 */
export async function serveMetrics(
  { host, port }: ListenAddress,
  format: () => string,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const isKnown = request.url === '/metrics' || request.url === '/healthz';
    if (request.method !== 'GET' || !isKnown) {
      response.writeHead(isKnown ? 405 : 404, isKnown ? { allow: 'GET' } : {}).end();
    } else if (request.url === '/healthz') response.end('ok\n');
    else response.setHeader('content-type', EXPOSITION_TYPE).end(format());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Fault(`--metrics ${host ?? ''}:${port}: ${error.message}`)));
    server.listen({ port, ...(host === null ? {} : { host }) }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
