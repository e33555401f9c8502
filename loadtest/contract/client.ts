import { connect, type Socket } from 'node:net';
import { RESPONSE_LIMITS, ResponseParser } from '../engine/response-parser.ts';

/** How one request of the contract ended. Times are of `performance.now()`. */
export interface Exchange {
  readonly sentMs: number;
  readonly endMs: number;
  /** Null: no complete response. */
  readonly status: number | null;
  /** Did the response announce that the connection will be closed? */
  readonly isClosing: boolean;
  /** Why there is no response; null: there is one. `refused`: there was no connection to write to. */
  readonly failure: 'refused' | 'cut' | 'timeout' | null;
}

/** A keep-alive connection, used by one request at a time. */
export interface Client {
  get(path: string, timeoutMs?: number): Promise<Exchange>;
  /**
   * Writes the first half of a request.
   * @returns a function that writes the rest, which is when the request counts as sent
   */
  getHalf(path: string): () => Promise<Exchange>;
  /** `Keep-Alive` of its last response; null: none. */
  readonly keepAlive: string | null;
  /** Was it closed from the other side while no request was on it? */
  readonly wasClosedIdle: boolean;
  /** Resolves when it is closed from the other side: in order (FIN), or not (RST). */
  readonly gone: Promise<Closing>;
  readonly isOpen: boolean;
  close(): void;
}

/** How the other side closed a connection. */
export type Closing = 'FIN' | 'RST';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 2_000;

/** Opens the connections of one observation. */
export interface Dialer {
  /** Null: the connection was refused, or not established in time. */
  open(): Promise<Client | null>;
  /** One request on a fresh connection. */
  getOnce(path: string, timeoutMs?: number): Promise<Exchange>;
  /** Cuts every connection, including those being opened. */
  close(): void;
}

export function createDialer({ host, port }: Address): Dialer {
  const sockets = new Set<Socket>();
  let isClosed = false;

  async function open(): Promise<Client | null> {
    if (isClosed) return null;
    const socket = connect({ host, port, noDelay: true });
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const isConnected = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CONNECT_TIMEOUT_MS);
      const settle = (isOpen: boolean) => {
        clearTimeout(timer);
        resolve(isOpen);
      };
      socket.once('connect', () => settle(true));
      socket.once('error', () => settle(false));
      socket.once('close', () => settle(false));
    });
    if (!isConnected) {
      socket.destroy();
      return null;
    }
    return createClient(socket, `${host}:${port}`);
  }

  return {
    open,
    async getOnce(path, timeoutMs = TIMEOUT_MS) {
      const sentMs = performance.now();
      const client = await open();
      if (client === null) {
        return { sentMs, endMs: performance.now(), status: null, isClosing: false, failure: 'refused' };
      }
      const exchange = await client.get(path, timeoutMs);
      client.close();
      return exchange;
    },
    close() {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function createClient(socket: Socket, host: string): Client {
  const parser = new ResponseParser(RESPONSE_LIMITS, ['keep-alive']);
  let settle: ((failure: Exchange['failure']) => void) | null = null;
  let isOpen = true;
  let wasClosedIdle = false;
  let tellGone: (by: Closing) => void = () => {};
  const gone = new Promise<Closing>((resolve) => {
    tellGone = resolve;
  });

  const close = () => {
    isOpen = false;
    socket.destroy();
  };
  const onGone = (by: Closing) => {
    if (!isOpen) return;
    isOpen = false;
    tellGone(by);
    parser.end();
    if (settle === null) wasClosedIdle = true;
    else settle(parser.isComplete ? null : 'cut');
  };
  socket.on('data', (chunk) => {
    parser.push(chunk);
    if (settle !== null && (parser.isComplete || parser.isRefused)) settle(parser.isComplete ? null : 'cut');
  });
  socket.on('end', () => onGone('FIN'));
  socket.on('error', () => onGone('RST'));
  socket.on('close', () => onGone('RST'));

  /** Writes the rest of a request, and waits for the response that the parser expects. */
  function send(text: string, timeoutMs: number): Promise<Exchange> {
    const sentMs = performance.now();
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle?.('timeout'), timeoutMs);
      settle = (failure) => {
        settle = null;
        clearTimeout(timer);
        const isClosing = failure === null && !parser.isPersistent;
        if (isClosing || failure !== null) close();
        const status = failure === null ? parser.status : null;
        resolve({ sentMs, endMs: performance.now(), status, isClosing, failure });
      };
      // To half a request the server may have responded already.
      if (parser.isComplete) settle(null);
      else if (isOpen && !parser.isRefused) socket.write(text);
      else settle('cut');
    });
  }

  const toText = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  return {
    get(path, timeoutMs = TIMEOUT_MS) {
      parser.begin('GET');
      return send(toText(path), timeoutMs);
    },
    getHalf(path) {
      const text = toText(path);
      const half = text.length >> 1;
      parser.begin('GET');
      socket.write(text.slice(0, half));
      return () => send(text.slice(half), TIMEOUT_MS);
    },
    get keepAlive() {
      return parser.values[0] ?? null;
    },
    get wasClosedIdle() {
      return wasClosedIdle;
    },
    gone,
    get isOpen() {
      return isOpen;
    },
    close,
  };
}
