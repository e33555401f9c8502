import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../cli/fault.ts';
import type { Sender } from '../cli/world.ts';
import { type ClockTrip, toOffsetMs } from './clock-offset.ts';
import type { LinkHooks, LoadLink, WorkerSpec } from './load-link.ts';
import { type FromSender, sealConnection, type ToSender } from './sender-connection.ts';
import { toSharedNowMs } from './shared-clock.ts';

/** A sender that can be told to start. */
export interface RemoteWorker {
  /** Starts the load at a time on this process' clock. */
  start(spec: WorkerSpec, startAtMs: number, hooks: LinkHooks): LoadLink;
  /** From a time on the sender's clock to the same on this one, by what is known now. */
  toHereMs(thereMs: number): number;
  close(): void;
}

const CONNECT_MS = 10_000;
const RETRY_MS = 100;
const FIRST_PINGS = 8;
const PING_MS = 5_000;
/** A round trip counts for the clock's offset for so many pings. */
const KEPT_PINGS = 12;

/** @throws {Fault} where the sender does not answer */
export async function openRemoteWorker({ from, host, port, secret }: Sender): Promise<RemoteWorker> {
  const toFault = (error: Error) =>
    new Fault(`the sender on ${from} (${host}:${port}) cannot be used: ${error.message}`, {
      exit: 'inconclusive',
    });
  const socket = await connectTo(host, port).catch((error: Error) => {
    throw toFault(error);
  });
  const closed = new Promise<never>((_, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('it closed the connection, as to a stranger')));
    socket.setTimeout(CONNECT_MS, () => reject(new Error(`no answer in ${CONNECT_MS / 1_000} s`)));
  });
  closed.catch(() => {});

  const trips: ClockTrip[] = [];
  let hooks: LinkHooks | null = null;
  let sentMs = 0;
  let onPong: () => void = () => {};

  async function open() {
    const { send, listen } = await sealConnection<ToSender, FromSender>(socket, secret, 'coordinator');
    listen((message) => {
      if (message.kind === 'worker') hooks?.onMessage(message.message);
      else if (message.kind === 'failed') hooks?.onEnd(new Error(`the sender on ${from}: ${message.reason}`));
      else {
        trips.push({ sentMs, thereMs: message.nowMs, receivedMs: toSharedNowMs() });
        if (trips.length > KEPT_PINGS) trips.shift();
        onPong();
      }
    });
    const ping = (): Promise<void> => {
      const ponged = new Promise<void>((resolve) => {
        onPong = resolve;
      });
      sentMs = toSharedNowMs();
      send({ kind: 'ping' });
      return ponged;
    };
    for (let count = 0; count < FIRST_PINGS; count += 1) await ping();
    return { send, ping };
  }

  const { send, ping } = await Promise.race([open(), closed]).catch((error: Error) => {
    socket.destroy();
    throw toFault(error);
  });
  // From now on each ping has its own limit: a node that lost its power closes nothing.
  socket.setTimeout(0);
  const pings = setInterval(() => {
    const late = setTimeout(() => socket.destroy(), CONNECT_MS);
    void ping().then(() => clearTimeout(late));
  }, PING_MS);
  socket.on('close', () => clearInterval(pings));

  return {
    start(spec, startAtMs, given) {
      hooks = given;
      const lose = () => given.onEnd(new Error(`the sender on ${from} was lost`));
      if (socket.destroyed) queueMicrotask(lose);
      else socket.on('close', lose);
      send({ kind: 'start', spec, startAtMs: startAtMs + toOffsetMs(trips) });
      return {
        tell: (message) => send({ kind: 'worker', message }),
        close: () => socket.destroy(),
      };
    },
    toHereMs: (thereMs) => thereMs - toOffsetMs(trips),
    close: () => socket.destroy(),
  };
}

/** A pod that runs may not listen yet. */
async function connectTo(host: string, port: number): Promise<Socket> {
  const endMs = toSharedNowMs() + CONNECT_MS;
  for (;;) {
    const socket = connect({ host, port, noDelay: true });
    try {
      // Node takes whole milliseconds only.
      const leftMs = Math.max(1, Math.ceil(endMs - toSharedNowMs()));
      await once(socket, 'connect', { signal: AbortSignal.timeout(leftMs) });
      return socket;
    } catch (error) {
      socket.destroy();
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || toSharedNowMs() > endMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}
