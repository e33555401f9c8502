import { BodyReader } from './body-reader.ts';
import type { BodyExpectation, Endpoint } from './settlement.ts';

/** How a complete response with the expected status falls short. */
export interface BodyFault {
  readonly outcome: 'wrong_body' | 'truncated';
  /** The first difference. */
  readonly detail: string;
}

type Expected = Pick<Endpoint, 'expectBody' | 'expectEnd'>;

/** Blank lines and spaces may follow the expected end. */
const TRAILING_BYTES = 64;
/** Characters of a body that a difference shows. */
const SHOWN_CHARACTERS = 60;

/**
 * What is to be read of the next response; null: nothing.
 * @param startBytes of its body that are wanted in any case
 */
export function toBodyReader({ expectBody, expectEnd }: Expected, startBytes: number): BodyReader | null {
  if (expectBody === undefined && expectEnd === undefined && startBytes === 0) return null;
  return new BodyReader({
    startBytes: expectBody === undefined ? startBytes : Number.POSITIVE_INFINITY,
    endBytes: expectEnd === undefined ? 0 : Buffer.byteLength(expectEnd) + TRAILING_BYTES,
  });
}

/** What is wrong with a body; null: it is as expected. Its end comes first: a body that is cut short differs anyway. */
export function findBodyFault({ expectBody, expectEnd }: Expected, body: BodyReader): BodyFault | null {
  if (expectEnd !== undefined) {
    const end = body.end.toString();
    if (!end.trimEnd().endsWith(expectEnd.trimEnd())) {
      const seen = body.bytes === 0 ? 'is empty' : `of ${body.bytes} bytes ends with ${showEnd(end)}`;
      return { outcome: 'truncated', detail: `the body ${seen}, not with ${show(expectEnd)}` };
    }
  }
  const difference = expectBody === undefined ? null : findDifference(expectBody, body.start.toString());
  return difference === null ? null : { outcome: 'wrong_body', detail: difference };
}

function findDifference(expected: BodyExpectation, body: string): string | null {
  switch (expected.kind) {
    case 'text':
      return body === expected.text ? null : toTextDifference(expected.text, body);
    case 'match':
      if (expected.pattern.test(body)) return null;
      return `expected a match of ${clip(String(expected.pattern))}, got ${show(body)}`;
    case 'json':
      return findJsonDifference(expected.values, body);
  }
}

function toTextDifference(expected: string, got: string): string {
  let at = 0;
  while (at < expected.length && expected[at] === got[at]) at += 1;
  const before = expected.slice(0, at).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
  return `${place}: expected ${show(expected.slice(at))}, got ${show(got.slice(at))}`;
}

function findJsonDifference(values: Readonly<Record<string, unknown>>, body: string): string | null {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return `expected JSON, got ${show(body)}`;
  }
  for (const [pointer, value] of Object.entries(values)) {
    const difference = findValueDifference(value, resolvePointer(document, pointer), pointer);
    if (difference !== null) return difference;
  }
  return null;
}

/** The value at a JSON Pointer, RFC 6901 §4; undefined: there is none. */
function resolvePointer(document: unknown, pointer: string): unknown {
  const keys = pointer.split('/').slice(1);
  return keys.reduce<unknown>(
    (value, key) => child(value, key.replaceAll('~1', '/').replaceAll('~0', '~')),
    document,
  );
}

/** The first place, in the order of the expected value, in which the two differ. */
function findValueDifference(expected: unknown, got: unknown, pointer: string): string | null {
  if (isContainer(expected) && isContainer(got) && Array.isArray(expected) === Array.isArray(got)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(got)]);
    for (const key of keys) {
      const below = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const difference = findValueDifference(child(expected, key), child(got, key), below);
      if (difference !== null) return difference;
    }
    return null;
  }
  if (expected === got) return null;
  return `${pointer === '' ? 'the document' : clip(pointer)}: expected ${showValue(expected)}, got ${showValue(got)}`;
}

function child(value: unknown, key: string): unknown {
  return isContainer(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function showValue(value: unknown): string {
  return value === undefined ? 'nothing' : clip(JSON.stringify(value));
}

function show(text: string): string {
  return text === '' ? 'the end' : JSON.stringify(clip(text));
}

function showEnd(text: string): string {
  const shown = text.trimEnd().slice(-SHOWN_CHARACTERS);
  return JSON.stringify(shown.length < text.trimEnd().length ? `…${shown}` : shown);
}

function clip(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
