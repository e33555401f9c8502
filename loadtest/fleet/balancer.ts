import { connect, createServer, type Socket } from 'node:net';
import { type Duplex, PassThrough, Transform } from 'node:stream';

interface Backend {
  readonly pod: string;
  /** On the loopback interface. */
  readonly port: number;
}

export interface Balancer {
  readonly port: number;
  /** The ready endpoints, as they are now. New connections follow after the propagation delay. */
  publish(backends: readonly Backend[]): void;
  /** Resolves once the last published endpoints are in force. */
  settled(): Promise<void>;
  /** The pod that the client's connection from this local port leads to; null: none, or not known any more. */
  podOf(clientPort: number): string | null;
  close(): Promise<void>;
}

interface BalancerOptions {
  /** From `publish` until new connections follow it. */
  readonly propagationMs: number;
  /** Added to what goes through, each way. */
  readonly latencyMs: number;
}

/**
 * Balances connections, not requests, as kube-proxy does: each new one goes to the next endpoint, stays there to
 * its end, and is not moved when the endpoint is removed. A close or a reset is passed on as what it is. Where
 * kube-proxy has the client's SYN refused, this one resets the connection that it had to accept first.
 */
export async function createBalancer({ propagationMs, latencyMs }: BalancerOptions): Promise<Balancer> {
  let inForce: readonly Backend[] = [];
  let turn = 0;
  const pods = new Map<number, string>();
  const sockets = new Set<Socket>();
  const pending = new Map<NodeJS.Timeout, () => void>();

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    track(client);
    const backend = inForce[turn % Math.max(1, inForce.length)];
    turn += 1;
    if (backend === undefined) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const clientPort = client.remotePort;
    if (clientPort !== undefined) pods.set(clientPort, backend.pod);
    const upstream = connect({ host: '127.0.0.1', port: backend.port, allowHalfOpen: true, noDelay: true });
    track(upstream);
    upstream.on('connect', () => {
      client.pipe(createDelay(latencyMs)).pipe(upstream);
      upstream.pipe(createDelay(latencyMs)).pipe(client);
    });
    client.on('error', () => later(() => upstream.resetAndDestroy()));
    upstream.on('error', () => later(() => client.resetAndDestroy()));
  });

  /** A reset takes as long as data does. */
  function later(reset: () => void): void {
    setTimeout(reset, latencyMs).unref();
  }

  function track(socket: Socket): void {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the balancer has no port');

  return {
    port: address.port,
    publish(backends) {
      const timer = setTimeout(() => {
        inForce = backends;
        pending.get(timer)?.();
        pending.delete(timer);
      }, propagationMs);
      pending.set(timer, () => {});
    },
    async settled() {
      const last = [...pending.keys()].at(-1);
      if (last === undefined) return;
      const earlier = pending.get(last);
      await new Promise<void>((resolve) => {
        pending.set(last, () => {
          earlier?.();
          resolve();
        });
      });
    },
    podOf: (clientPort) => pods.get(clientPort) ?? null,
    async close() {
      for (const timer of pending.keys()) clearTimeout(timer);
      for (const resolve of pending.values()) resolve();
      pending.clear();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Holds each chunk, and the end, for `latencyMs`. */
function createDelay(latencyMs: number): Duplex {
  if (latencyMs === 0) return new PassThrough();
  return new Transform({
    transform: (chunk, _encoding, done) => void setTimeout(done, latencyMs, null, chunk),
    flush: (done) => void setTimeout(done, latencyMs),
  });
}
