import { createServer, type Server, type Socket } from 'node:net';
import { type LoadLink, startWorker } from './load-link.ts';
import { type FromSender, sealConnection, type ToSender } from './sender-connection.ts';
import { toSharedNowMs } from './shared-clock.ts';

const HANDSHAKE_MS = 10_000;

/** Sends parts of loads for coordinators elsewhere, one load a connection. A connection that ends, ends its load. */
export function createSender(secret: string): Server {
  return createServer((socket) => {
    // Its end is seen by its close.
    socket.on('error', () => {});
    serve(socket, secret).catch(() => socket.destroy());
  });
}

async function serve(socket: Socket, secret: string): Promise<void> {
  socket.setNoDelay(true);
  // A stranger gets no more time than a coordinator needs.
  socket.setTimeout(HANDSHAKE_MS, () => socket.destroy());
  const { send, listen } = await sealConnection<FromSender, ToSender>(socket, secret, 'sender');
  let link: LoadLink | null = null;
  socket.on('close', () => link?.tell({ kind: 'stop' }));
  listen((message) => {
    socket.setTimeout(0);
    if (message.kind === 'ping') send({ kind: 'pong', nowMs: toSharedNowMs() });
    else if (message.kind === 'worker') link?.tell(message.message);
    else {
      const startAtEpochMs = Date.now() + (message.startAtMs - toSharedNowMs());
      link = startWorker(
        { ...message.spec, startAtEpochMs },
        {
          onMessage: (own) => send({ kind: 'worker', message: own }),
          onEnd: ({ message: reason }) => send({ kind: 'failed', reason }),
        },
      );
    }
  });
}
