import { Fault } from '../cli/fault.ts';
import { formatCount } from '../cli/format.ts';

/** A file that a command reads, taken along into its pod. */
export interface ErrandFile {
  /** As the user gave it, for example `--data "items.csv"`. */
  readonly given: string;
  /** In the Secret: letters, digits, `-`, `_` and `.`. */
  readonly key: string;
  /** Where the command looks for it in the pod. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** What a Secret holds: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size */
const MAX_BYTES = 1024 * 1024;

/**
 * The `data` of a Secret.
 * @param own what goes along besides, by key
 * @throws {Fault} where that is more than a Secret holds
 */
export function toSecretData(
  files: readonly ErrandFile[],
  own: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const contents = [
    ...[...own].map(([key, text]) => ({ key, bytes: Buffer.from(text), given: 'the command line' })),
    ...files,
  ];
  const total = contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (total > MAX_BYTES) {
    const { given, bytes } = contents.reduce((a, b) => (b.bytes.length > a.bytes.length ? b : a));
    throw new Fault(
      `--in-cluster takes files along in a Secret, which holds ${formatCount(MAX_BYTES)} bytes: these are ${formatCount(total)}, of which ${given} has ${formatCount(bytes.length)}: make it smaller`,
    );
  }
  return Object.fromEntries(contents.map(({ key, bytes }) => [key, bytes.toString('base64')]));
}
