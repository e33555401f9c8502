/** A server that shuts down by the book but for one flaw, which CONTRACT_FLAW names. */
import type { Socket } from 'node:net';
import { startServer } from '../faults/server.ts';

/** The point of the contract that each flaw breaks. */
export const FLAWS = {
  'refuses work before SIGTERM': 'serves and is alive while ready',
  'is not alive before SIGTERM': 'serves and is alive while ready',
  'is unready now and then': 'serves and is alive while ready',
  'ends by itself': 'serves and is alive while ready',
  'loses a second request that comes at once': 'answers a second request right after the first',
  'closes idle connections after a second': 'keeps idle connections for 60 s',
  'stays ready': 'SIGTERM: turns unready',
  'turns unready late': 'SIGTERM: turns unready',
  'gets ready again': 'SIGTERM: turns unready',
  'stops listening early': 'keeps accepting connections for 500 ms',
  'is not alive while it drains': 'stays alive while draining',
  'is silent to liveness while it drains': 'stays alive while draining',
  'drops half a request at SIGTERM': 'answers requests half sent at SIGTERM',
  'closes unused connections at SIGTERM': 'answers on connections not used before SIGTERM',
  'announces the end late': 'answers with Connection: close',
  'closes idle connections at once': 'closes no keep-alive connection unannounced',
  'refuses work while it drains': 'answers every request it accepted',
  'cuts requests while it drains': 'answers every request it accepted',
  'cuts what is in flight': 'finishes requests in flight',
  'fails what is in flight': 'finishes requests in flight',
  'exits 1': 'exits 0',
  'does not exit': 'exits within 4 s',
} as const;

/** Below the shortest pause that the instrument makes on a keep-alive connection. */
const AT_ONCE_MS = 12;

type Flaw = keyof typeof FLAWS;

const { CONTRACT_FLAW } = process.env;
if (CONTRACT_FLAW !== undefined) serve(CONTRACT_FLAW as Flaw | 'none');

function serve(flaw: Flaw | 'none'): void {
  const lameDuckMs = flaw === 'turns unready late' ? 1_600 : 800;
  const slowMs = lameDuckMs + 200;
  let sigtermMs = Number.POSITIVE_INFINITY;
  let drained = 0;
  let readyProbes = 0;
  const idleTimers = new WeakMap<Socket, NodeJS.Timeout>();
  const answeredMs = new WeakMap<Socket, number>();
  const isDrainingFor = (ms: number) => performance.now() >= sigtermMs + ms;

  const isReady = () => {
    readyProbes += 1;
    if (flaw === 'stays ready') return true;
    if (flaw === 'turns unready late') return !isDrainingFor(1_300);
    if (flaw === 'gets ready again') return !isDrainingFor(0) || isDrainingFor(400);
    return !isDrainingFor(0) && (flaw !== 'is unready now and then' || readyProbes % 5 !== 0);
  };

  const server = startServer(({ path, socket, isKept, answer }) => {
    const isDraining = isDrainingFor(0);
    const close = flaw === 'announces the end late' ? isDrainingFor(350) : isDraining;
    if (path === '/ready') {
      // Not before it was seen to be ready.
      if (flaw === 'ends by itself') setTimeout(() => process.exit(1), 300);
      return answer(isReady() ? 200 : 503, { close });
    }
    if (path === '/health') {
      if (flaw === 'is not alive before SIGTERM' && !isDraining) return answer(500);
      if (flaw === 'is silent to liveness while it drains' && isDraining) return;
      return answer(flaw === 'is not alive while it drains' && isDraining ? 503 : 200, { close });
    }
    if (path === '/slow') {
      const status = flaw === 'fails what is in flight' ? 500 : 200;
      return void setTimeout(() => answer(status, { close: isDrainingFor(0) }), slowMs);
    }
    const isAtOnce = performance.now() - (answeredMs.get(socket) ?? 0) < AT_ONCE_MS;
    if (flaw === 'loses a second request that comes at once' && isAtOnce) return socket.destroy();
    answeredMs.set(socket, performance.now());
    if (flaw === 'closes idle connections after a second') {
      clearTimeout(idleTimers.get(socket));
      idleTimers.set(
        socket,
        setTimeout(() => socket.end(), 1_000),
      );
    }
    // Neither the first request on a connection nor a second one at once: those have points of their own.
    const isTurnedAway = isDraining && isKept && !isAtOnce;
    if (isTurnedAway) drained += 1;
    if (flaw === 'cuts requests while it drains' && isTurnedAway && drained % 3 === 1)
      return socket.destroy();
    const isRefused =
      (flaw === 'refuses work before SIGTERM' && !isDraining) ||
      (flaw === 'refuses work while it drains' && isTurnedAway);
    answer(isRefused ? 503 : 200, { close });
  });

  process.on('SIGTERM', () => {
    sigtermMs = performance.now();
    if (flaw === 'closes idle connections at once') {
      for (const socket of server.sockets) {
        if (!server.busy.has(socket) && !server.unused.has(socket)) socket.end();
      }
    }
    for (const [socket, { openedMs, hasPart }] of server.unused) {
      // Not those that a client opens just now to send at once: they have points of their own.
      const isWaiting = !hasPart && sigtermMs - openedMs > AT_ONCE_MS;
      const isDropped =
        (flaw === 'drops half a request at SIGTERM' && hasPart) ||
        (flaw === 'closes unused connections at SIGTERM' && isWaiting);
      if (isDropped) socket.destroy();
    }
    if (flaw === 'cuts what is in flight') {
      // Those that wait since before SIGTERM: everything else is answered at once.
      setTimeout(() => {
        for (const socket of server.busy) socket.destroy();
      }, 300);
    }
    setTimeout(server.stopListening, flaw === 'stops listening early' ? 250 : lameDuckMs);
    setTimeout(() => {
      if (flaw === 'does not exit') return void setInterval(() => {}, 1_000);
      const isDone = () => server.busy.size === 0 || flaw === 'is silent to liveness while it drains';
      setInterval(() => isDone() && process.exit(flaw === 'exits 1' ? 1 : 0), 10);
    }, slowMs + 50);
  });
}
