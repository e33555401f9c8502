import { hkdfSync, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FromLoadWorker, ToLoadWorker, WorkerSpec } from './load-link.ts';
import { createFrameReader, createFrameWriter, FRAME_KEY_BYTES, type FrameSide } from './sealed-frames.ts';

/** What the coordinator of a load says to a sender of it. */
export type ToSender =
  | { readonly kind: 'ping' }
  /** `startAtMs` is on the clock of the sender. */
  | { readonly kind: 'start'; readonly spec: WorkerSpec; readonly startAtMs: number }
  | { readonly kind: 'worker'; readonly message: ToLoadWorker };

export type FromSender =
  | { readonly kind: 'pong'; readonly nowMs: number }
  | { readonly kind: 'worker'; readonly message: FromLoadWorker }
  | { readonly kind: 'failed'; readonly reason: string };

export interface SealedConnection<Out, In> {
  send(message: Out): void;
  /** Hands over each message from now on. */
  listen(onMessage: (message: In) => void): void;
}

const SALT_BYTES = 16;

/**
 * Makes a TCP connection one that only holders of the secret can talk on: each side sends a salt, and the key of the
 * connection comes from both and the secret (HKDF, RFC 5869). A connection that breaks the rules is destroyed.
 */
export async function sealConnection<Out, In>(
  socket: Socket,
  secret: string,
  side: FrameSide,
): Promise<SealedConnection<Out, In>> {
  const own = randomBytes(SALT_BYTES);
  socket.write(own);
  const { salt: other, rest } = await readSalt(socket);
  const salts = side === 'sender' ? [own, other] : [other, own];
  const key = Buffer.from(
    hkdfSync('sha256', secret, Buffer.concat(salts), 'dropless sender', FRAME_KEY_BYTES),
  );
  const write = createFrameWriter(key, side);
  const read = createFrameReader(key, side === 'sender' ? 'coordinator' : 'sender');
  return {
    send: (message) => {
      if (!socket.destroyed) socket.write(write(message));
    },
    listen: (onMessage) => {
      const take = (piece: Buffer) => {
        let values: unknown[] = [];
        try {
          values = read(piece);
        } catch (error) {
          socket.destroy(error as Error);
        }
        for (const value of values) onMessage(value as In);
      };
      take(rest);
      socket.on('data', take);
      socket.resume();
    },
  };
}

function readSalt(socket: Socket): Promise<{ readonly salt: Buffer; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const stop = () => {
      socket.off('data', take);
      socket.off('close', fail);
    };
    const take = (piece: Buffer) => {
      held = Buffer.concat([held, piece]);
      if (held.length < SALT_BYTES) return;
      socket.pause();
      stop();
      resolve({ salt: held.subarray(0, SALT_BYTES), rest: held.subarray(SALT_BYTES) });
    };
    const fail = () => {
      stop();
      reject(new Error('the connection ended before it began'));
    };
    socket.on('data', take);
    socket.on('close', fail);
  });
}
