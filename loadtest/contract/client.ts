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
interface Client {
  get(path: string, timeoutMs?: number): Promise<Exchange>;
  /** Was it closed from the other side while no request was on it? */
  readonly wasClosedIdle: boolean;
  readonly isOpen: boolean;
  close(): void;
}

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
  const parser = new ResponseParser(RESPONSE_LIMITS, []);
  let settle: ((failure: Exchange['failure']) => void) | null = null;
  let isOpen = true;
  let wasClosedIdle = false;

  const onGone = () => {
    if (!isOpen) return;
    isOpen = false;
    parser.end();
    if (settle === null) wasClosedIdle = true;
    else settle(parser.isComplete ? null : 'cut');
  };
  socket.on('data', (chunk) => {
    parser.push(chunk);
    if (settle !== null && (parser.isComplete || parser.isRefused)) settle(parser.isComplete ? null : 'cut');
  });
  socket.on('end', onGone);
  socket.on('close', onGone);
  socket.on('error', () => {});

  return {
    get(path, timeoutMs = TIMEOUT_MS) {
      const sentMs = performance.now();
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle?.('timeout'), timeoutMs);
        settle = (failure) => {
          settle = null;
          clearTimeout(timer);
          const isClosing = failure === null && !parser.isPersistent;
          if (isClosing || failure !== null) this.close();
          const status = failure === null ? parser.status : null;
          resolve({ sentMs, endMs: performance.now(), status, isClosing, failure });
        };
        if (!isOpen) return settle('cut');
        parser.begin('GET');
        socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      });
    },
    get wasClosedIdle() {
      return wasClosedIdle;
    },
    get isOpen() {
      return isOpen;
    },
    close() {
      isOpen = false;
      socket.destroy();
    },
  };
}
