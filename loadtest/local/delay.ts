import { type Duplex, PassThrough, Transform } from 'node:stream';

/** So many bytes are under way at once, at most. */
const WINDOW_BYTES = 1_048_576;

/**
 * Holds each chunk, and the end, for `latencyMs`. Chunks on the way do not wait for one another.
 * @param later runs something after so many ms, in the order of the calls
 */
export function createDelay(
  latencyMs: number,
  later: (run: () => void, ms: number) => unknown = setTimeout,
): Duplex {
  if (latencyMs === 0) return new PassThrough();
  const underWay: Buffer[] = [];
  let bytes = 0;
  const arrive = () => {
    const chunk = underWay.shift();
    bytes -= chunk?.length ?? 0;
    return chunk;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      underWay.push(chunk);
      bytes += chunk.length;
      const hasRoom = bytes < WINDOW_BYTES && this.readableLength < this.readableHighWaterMark;
      later(() => {
        if (hasRoom) this.push(arrive());
        else done(null, arrive());
      }, latencyMs);
      if (hasRoom) done();
    },
    flush: (done) => void later(done, latencyMs),
  });
}
