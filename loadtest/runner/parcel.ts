import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Fault } from '../cli/fault.ts';

/** Files by name, as what fits into ConfigMaps. */
export interface Parcel {
  /** Base64, of at most `MAX_PART_BYTES` before encoding. In order. */
  readonly parts: readonly string[];
  /** SHA-256 of all parts together, in hexadecimal. */
  readonly digest: string;
}

/** A ConfigMap holds 1 MiB: https://kubernetes.io/docs/concepts/configuration/configmap/ */
const MAX_PART_BYTES = 768 * 1024;

/** @param maxPartBytes of one part, before Base64 */
export function packParcel(files: ReadonlyMap<string, string>, maxPartBytes = MAX_PART_BYTES): Parcel {
  const packed = gzipSync(JSON.stringify([...files]));
  const count = Math.ceil(packed.length / maxPartBytes);
  const parts = Array.from({ length: count }, (_, index) =>
    packed.subarray(index * maxPartBytes, (index + 1) * maxPartBytes).toString('base64'),
  );
  return { parts, digest: toDigest(packed) };
}

/** @throws {Fault} where a part is missing or changed */
export function unpackParcel({ parts, digest }: Parcel): Map<string, string> {
  const packed = Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')));
  if (toDigest(packed) !== digest) {
    throw new Fault('the reports of the runner did not arrive whole', { exit: 'inconclusive' });
  }
  return new Map(JSON.parse(gunzipSync(packed).toString('utf8')) as [string, string][]);
}

function toDigest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
