/**
 * The smallest HTTP server whose every fault is chosen: it answers on keep-alive connections, names its pod and version
 * unless ANONYMOUS is set, and does nothing at SIGTERM unless told to.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

export interface Request {
  readonly path: string;
  readonly socket: Socket;
  /** Had the connection carried a request before? */
  readonly isKept: boolean;
  answer(status: number, options?: { close?: boolean }): void;
}

interface Unused {
  /** By `performance.now()`. */
  readonly openedMs: number;
  /** Has a part of the first request come? */
  readonly hasPart: boolean;
}

export interface Server {
  readonly sockets: ReadonlySet<Socket>;
  /** Sockets with a request that is not answered yet. */
  readonly busy: ReadonlySet<Socket>;
  /** Sockets that carried no complete request yet. */
  readonly unused: ReadonlyMap<Socket, Unused>;
  stopListening(): void;
}

/** Is it of a later version than the fleet was at rest? A rollout on a cluster sets the version, where there was none. */
export const isNew = !['v1', ''].includes(process.env.APP_VERSION ?? 'v1');

/** For how long a pod has its fault: on a cluster a second passes before the first request, and until an exit is known. */
export const FAULT_MS = Number(process.env.FAULT_MS ?? 1_000);

export function startServer(onRequest: (request: Request) => void): Server {
  const sockets = new Set<Socket>();
  const busy = new Set<Socket>();
  const unused = new Map<Socket, Unused>();
  const {
    PORT,
    HOST = '127.0.0.1',
    POD_NAME = 'pod',
    APP_VERSION = 'v1',
    ANONYMOUS,
    PORTS_DIR,
  } = process.env;
  if (PORTS_DIR !== undefined) {
    // At once, so that nobody reads half of it.
    writeFileSync(`${PORTS_DIR}/.${POD_NAME}`, `${PORT}`);
    renameSync(`${PORTS_DIR}/.${POD_NAME}`, `${PORTS_DIR}/${POD_NAME}`);
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const openedMs = performance.now();
    unused.set(socket, { openedMs, hasPart: false });
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      busy.delete(socket);
      unused.delete(socket);
    });
    let text = '';
    let requests = 0;
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (requests === 0) unused.set(socket, { openedMs, hasPart: true });
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const [line = ''] = text.slice(0, end).split('\r\n');
        text = text.slice(end + 4);
        requests += 1;
        unused.delete(socket);
        busy.add(socket);
        onRequest({
          path: line.split(' ')[1] ?? '/',
          socket,
          isKept: requests > 1,
          answer(status, { close = false } = {}) {
            busy.delete(socket);
            if (socket.destroyed) return;
            const head = [
              `HTTP/1.1 ${status} Any`,
              ...(ANONYMOUS === undefined ? [`x-pod: ${POD_NAME}`, `x-version: ${APP_VERSION}`] : []),
              'content-length: 2',
              ...(close ? ['connection: close'] : []),
            ];
            socket.write(`${head.join('\r\n')}\r\n\r\nok`);
            if (close) socket.end();
          },
        });
      }
    });
  });
  server.listen(Number(PORT), HOST);
  return { sockets, busy, unused, stopListening: () => void server.close() };
}
