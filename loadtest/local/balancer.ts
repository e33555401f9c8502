import { connect, createServer, type Socket } from 'node:net';
import { createDelay } from './delay.ts';
import { createWaiters } from './waiters.ts';

interface Backend {
  readonly pod: string;
  /** On the loopback interface. */
  readonly port: number;
}

export interface Balancer {
  readonly port: number;
  /** The current ready endpoints: added ones take effect at once, removed ones after the propagation delay. */
  publish(backends: readonly Backend[]): void;
  /** Resolves once only the last published endpoints are in use. Rejects where the signal is aborted. */
  settled(signal: AbortSignal): Promise<void>;
  /** The pod that the client's connection from this local port led to at that time; null: none. */
  podOf(clientPort: number, atMs: number): string | null;
  close(): Promise<void>;
}

interface BalancerOptions {
  /** From the removal of an endpoint until new connections avoid it. */
  readonly propagationMs: number;
  /** Latency added to the traffic, each way. */
  readonly latencyMs: number;
  nowMs(): number;
}

/**
 * Balances connections, not requests, as kube-proxy does: each new one goes to the next endpoint, stays there until
 * it closes, and is not moved when the endpoint is removed. Nodes of a cluster learn of endpoints at different
 * times; this balancer is the worst case of both: the first to learn of an added one and the last to learn of a
 * removed one. A close or a reset is passed on as such. Where a client's SYN would be refused behind kube-proxy,
 * this balancer resets the connection that it had to accept first.
 */
export async function createBalancer({
  propagationMs,
  latencyMs,
  nowMs,
}: BalancerOptions): Promise<Balancer> {
  const inForce = new Map<string, Backend>();
  let turn = 0;
  /** By client port, in chronological order. */
  const ways = new Map<number, { readonly fromMs: number; readonly pod: string }[]>();
  const sockets = new Set<Socket>();
  /** Keyed by pod. */
  const removals = new Map<string, NodeJS.Timeout>();
  const waiters = createWaiters();

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    track(client);
    const backend = [...inForce.values()][turn % Math.max(1, inForce.size)];
    turn += 1;
    if (backend === undefined) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const clientPort = client.remotePort;
    if (clientPort !== undefined) {
      ways.set(clientPort, [...(ways.get(clientPort) ?? []), { fromMs: nowMs(), pod: backend.pod }]);
    }
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

  function removeLater(pod: string): void {
    const remove = () => {
      removals.delete(pod);
      inForce.delete(pod);
      waiters.wakeAll();
    };
    removals.set(pod, setTimeout(remove, propagationMs));
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
      for (const backend of backends) {
        inForce.set(backend.pod, backend);
        clearTimeout(removals.get(backend.pod));
        removals.delete(backend.pod);
      }
      const published = new Set(backends.map(({ pod }) => pod));
      for (const pod of inForce.keys()) if (!published.has(pod) && !removals.has(pod)) removeLater(pod);
      waiters.wakeAll();
    },
    async settled(signal) {
      while (removals.size > 0) {
        signal.throwIfAborted();
        await waiters.next(signal);
      }
    },
    podOf: (clientPort, atMs) => ways.get(clientPort)?.findLast(({ fromMs }) => fromMs <= atMs)?.pod ?? null,
    async close() {
      for (const timer of removals.values()) clearTimeout(timer);
      removals.clear();
      waiters.wakeAll();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
