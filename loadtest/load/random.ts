// Independent streams of one seed, so that the choice of endpoint does not decide which requests are fresh.
export const ENDPOINT_STREAM = 0x1b873593;
export const FRESH_STREAM = 0x3c6ef372;
export const ROW_STREAM = 0x6a09e667;
const SEQUENCE_STREAM = 0x510e527f;

/** A number in [0, 1) that depends on the seed, the stream and the index alone. */
export function uniformAt(seed: number, stream: number, index: number): number {
  return scramble(scramble(seed ^ stream) + Math.imul(index, 0x9e3779b1)) / 2 ** 32;
}

/** Numbers in [0, 1), the same sequence for the same seed. */
export function createRandom(seed: number): () => number {
  let index = 0;
  return () => uniformAt(seed, SEQUENCE_STREAM, index++);
}

/** The finaliser of MurmurHash3: every bit of the input changes every bit of the output with chance ½. */
function scramble(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
