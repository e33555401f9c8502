import { createCipheriv, createDecipheriv } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;
/** What a batch of settlements never comes near: a peer that says more is none of ours. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/** The first is a ping or its answer: who says more without having shown the key is a stranger. */
const MAX_FIRST_FRAME_BYTES = 4_096;

/** The end of a connection that a frame comes from: their numbers must not make the same nonce. */
export type FrameSide = 'sender' | 'coordinator';

/** Bytes of a key. */
export const FRAME_KEY_BYTES = 32;

/**
 * Writes values as frames that only the holder of the key can read or make: a length, then AES-256-GCM with the number
 * of the frame as its nonce (NIST SP 800-38D §8.2.1). The key must be used for one connection alone.
 */
export function createFrameWriter(key: Buffer, side: FrameSide): (value: unknown) => Buffer {
  let number = 0;
  return (value) => {
    const cipher = createCipheriv(ALGORITHM, key, toNonce(side, number));
    number += 1;
    const sealed = Buffer.concat([cipher.update(serialize(value)), cipher.final(), cipher.getAuthTag()]);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(sealed.length);
    return Buffer.concat([length, sealed]);
  };
}

/**
 * Reads what the writer of the other side wrote, in pieces of any size. Each call gives the values that are complete.
 * @throws {Error} where a frame was not made with this key, or one is missing
 */
export function createFrameReader(key: Buffer, side: FrameSide): (piece: Buffer) => unknown[] {
  let number = 0;
  let pieces: Buffer[] = [];
  let held = 0;

  function open(sealed: Buffer): unknown {
    const decipher = createDecipheriv(ALGORITHM, key, toNonce(side, number));
    number += 1;
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return deserialize(Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]));
  }

  return (piece) => {
    pieces.push(piece);
    held += piece.length;
    const values: unknown[] = [];
    while (held >= LENGTH_BYTES) {
      if ((pieces[0] ?? piece).length < LENGTH_BYTES) pieces = [Buffer.concat(pieces)];
      const length = (pieces[0] ?? piece).readUInt32BE(0);
      const isStranger = number === 0 && length > MAX_FIRST_FRAME_BYTES;
      if (length < TAG_BYTES || length > MAX_FRAME_BYTES || isStranger) throw new Error('no frame of ours');
      const end = LENGTH_BYTES + length;
      if (held < end) break;
      const bytes = pieces.length === 1 ? (pieces[0] ?? piece) : Buffer.concat(pieces);
      values.push(open(bytes.subarray(LENGTH_BYTES, end)));
      pieces = [bytes.subarray(end)];
      held -= end;
    }
    return values;
  };
}

function toNonce(side: FrameSide, number: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(side === 'sender' ? 1 : 2, 0);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}
