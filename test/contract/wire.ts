import { connect, type Socket } from 'node:net';

/** A raw connection: what was received so far, and promises for what is to come. */
export interface Wire {
  readonly socket: Socket;
  readonly received: () => string;
  /** Resolves once the received text matches; rejects if the connection ends before. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that was received when the server has closed, or how it broke. */
  readonly closed: Promise<string>;
  send(text: string): void;
}

/** Opens a connection to 127.0.0.1. */
export async function openWire(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1').setNoDelay(true);
  let text = '';
  let ended = false;
  const watchers = new Set<() => void>();
  const wake = () => {
    for (const watcher of watchers) watcher();
  };
  socket.on('data', (chunk) => {
    text += chunk;
    wake();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    text += `<${error.code}>`;
  });
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      ended = true;
      wake();
      resolve(text);
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  return {
    socket,
    received: () => text,
    closed,
    send: (data) => void socket.write(data),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(text)) resolve(text);
          else if (ended) reject(new Error(`closed before ${pattern}: ${JSON.stringify(text)}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
  };
}

/** Sends one request on a connection of its own and resolves with everything until the server closes. */
export async function exchange(port: number, request: string): Promise<string> {
  const wire = await openWire(port);
  wire.send(request);
  return wire.closed;
}
