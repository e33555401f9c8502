import { dirname, isAbsolute, join } from 'node:path';
import { parseDurationMs } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import { findRequestFaults, toBytes } from '../engine/request-writer.ts';
import type { BodyExpectation, Endpoint } from '../engine/settlement.ts';
import type { DataTable } from '../engine/template.ts';
import { findColumnFaults } from './data-file.ts';

/** What is wrong with one field of one request. */
interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** Fields of a request, each with what it must be. */
const FIELDS = {
  name: 'a text',
  method: 'an HTTP method in capitals',
  path: 'a path that starts with /',
  headers: 'an object of texts',
  body: 'a text, or an object or array, which is sent as JSON',
  bodyFile: 'the path of a file, relative to this one',
  weight: 'a number from 0',
  expectStatus: 'a status from 100 to 599',
  expectBody: 'a text, {"match": "a regular expression"} or {"json": {"/json/pointer": value}}',
  expectEnd: 'the text with which the body ends',
  timeout: 'a time with its unit, for example "2s"',
} as const;
type FieldName = keyof typeof FIELDS;

const HOUR_MS = 3_600_000;

/**
 * Reads requests from JSON lines, one object a line; blank lines are skipped.
 * @param path of the file, which `bodyFile` is relative to
 * @param readBytes reads a body file, a character for each byte
 * @param data null: there is none
 * @throws {Fault} with all that is wrong, each with its line and field
 */
export async function parseRequestFile(
  text: string,
  path: string,
  readBytes: (path: string) => Promise<string>,
  data: DataTable | null,
): Promise<readonly Endpoint[]> {
  const found: { readonly line: number; readonly endpoint: Endpoint }[] = [];
  const faults: string[] = [];
  const tell = (line: number, { field, message }: FieldFault) =>
    faults.push(`${path}:${line}: ${field === '' ? '' : `${field} `}${message}`);
  for (const { line, json } of toLines(text)) {
    const { endpoint, faults: own } = await parseRequest(json, path, readBytes);
    for (const fault of own) tell(line, fault);
    if (endpoint === null) continue;
    for (const fault of [...findRequestFaults(endpoint), ...findColumnFaults(endpoint, data)])
      tell(line, fault);
    const twin = found.find((other) => other.endpoint.name === endpoint.name);
    if (twin !== undefined) {
      const message = `${JSON.stringify(endpoint.name)} is that of line ${twin.line}: give each its own`;
      tell(line, { field: 'name', message });
    }
    found.push({ line, endpoint });
  }
  if (faults.length > 0) throw new Fault(faults.join('\n  '));
  if (found.length === 0) throw new Fault(`${path} holds no request: one JSON object a line`);
  return found.map(({ endpoint }) => endpoint);
}

/** The body files that a request file names, each once and as it names it. Faults are for `parseRequestFile` to tell. */
export function findBodyFiles(text: string): readonly string[] {
  const named = toLines(text).flatMap(({ json }) => {
    const request = parseLine(json);
    return typeof request === 'string' ? [] : (toText(request.bodyFile) ?? []);
  });
  return [...new Set(named)];
}

/** Where a body file is. @param path of the request file that names it */
export function toBodyPath(bodyFile: string, path: string): string {
  return isAbsolute(bodyFile) ? bodyFile : join(dirname(path), bodyFile);
}

function toLines(text: string): readonly { readonly line: number; readonly json: string }[] {
  return text
    .split('\n')
    .map((json, index) => ({ line: index + 1, json }))
    .filter(({ json }) => json.trim() !== '');
}

/** The fields of a request; a text: why it has none. */
function parseLine(json: string): Record<string, unknown> | string {
  try {
    const given: unknown = JSON.parse(json);
    return isObject(given) ? given : 'is not a JSON object';
  } catch (error) {
    return `is not JSON: ${(error as Error).message}`;
  }
}

/** The request of one line, as far as it can be read, and all that is wrong with its fields. */
async function parseRequest(
  json: string,
  file: string,
  readBytes: (path: string) => Promise<string>,
): Promise<{ readonly endpoint: Endpoint | null; readonly faults: readonly FieldFault[] }> {
  const faults: FieldFault[] = [];
  const parsed = parseLine(json);
  if (typeof parsed === 'string') return { endpoint: null, faults: [{ field: '', message: parsed }] };
  const request = parsed;
  for (const field of Object.keys(request)) {
    if (!Object.hasOwn(FIELDS, field)) {
      faults.push({ field, message: `is not known: there are ${Object.keys(FIELDS).join(', ')}` });
    }
  }
  /** The value of a field as `read` makes it; undefined: it is left out, or `read` does not take it. */
  function take<T>(field: FieldName, read: (value: unknown) => T | undefined): T | undefined {
    const value = request[field];
    if (value === undefined) return undefined;
    const taken = read(value);
    if (taken === undefined) {
      faults.push({ field, message: `must be ${FIELDS[field]}, but is ${toShown(value)}` });
    }
    return taken;
  }

  const method = take('method', toText) ?? 'GET';
  const path = take('path', toText);
  if (request.path === undefined) faults.push({ field: 'path', message: `is missing: ${FIELDS.path}` });
  const headers = take('headers', toTexts) ?? {};
  const weight = take('weight', (value) => toNumber(value, 0, Number.MAX_VALUE)) ?? 1;
  const expectedStatus = take('expectStatus', (value) =>
    Number.isInteger(value) ? toNumber(value, 100, 599) : undefined,
  );
  const expectBody = take('expectBody', toBodyExpectation);
  const expectEnd = take('expectEnd', (value) => (toText(value)?.trim() === '' ? undefined : toText(value)));
  const timeoutMs = take('timeout', (value) => toNumber(parseDurationMs(String(value)), 1, HOUR_MS));
  const inline = take('body', toInlineBody);
  const bodyFile = take('bodyFile', toText);
  const name = take('name', toText) ?? (method === 'GET' ? path : `${method} ${path}`);

  let body = inline?.bytes;
  if (bodyFile !== undefined && inline !== undefined) {
    faults.push({ field: 'bodyFile', message: 'cannot be combined with body' });
  } else if (bodyFile !== undefined) {
    try {
      body = await readBytes(toBodyPath(bodyFile, file));
    } catch (error) {
      const message = `${JSON.stringify(bodyFile)} cannot be read: ${(error as Error).message}`;
      faults.push({ field: 'bodyFile', message });
    }
  }
  const type = inline?.isJson === true && !hasHeader(headers, 'content-type') ? JSON_TYPE : {};
  for (const field of ['expectBody', 'expectEnd'] as const) {
    if (request[field] === undefined) continue;
    if (method === 'HEAD') faults.push({ field, message: 'cannot hold: a response to HEAD has no body' });
    if (hasHeader(headers, 'accept-encoding')) {
      faults.push({ field, message: 'cannot be read from a compressed body: leave Accept-Encoding out' });
    }
  }
  if (path === undefined || name === undefined) return { endpoint: null, faults };
  const endpoint: Endpoint = {
    name,
    method,
    path,
    weight,
    headers: { ...type, ...headers },
    ...(body === undefined ? {} : { body }),
    ...(expectedStatus === undefined ? {} : { expectedStatus }),
    ...(expectBody === undefined ? {} : { expectBody }),
    ...(expectEnd === undefined ? {} : { expectEnd }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  return { endpoint, faults };
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

function toBodyExpectation(value: unknown): BodyExpectation | undefined {
  if (typeof value === 'string') return { kind: 'text', text: value };
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined;
  if (typeof value.match === 'string') {
    try {
      return { kind: 'match', pattern: new RegExp(value.match) };
    } catch {
      return undefined;
    }
  }
  const values = value.json;
  const isPointers = isObject(values) && Object.keys(values).every((key) => /^(\/|$)/.test(key));
  return isPointers ? { kind: 'json', values } : undefined;
}

function toInlineBody(value: unknown): { readonly bytes: string; readonly isJson: boolean } | undefined {
  if (typeof value === 'string') return { bytes: toBytes(value), isJson: false };
  const isJson = typeof value === 'object' && value !== null;
  return isJson ? { bytes: toBytes(JSON.stringify(value)), isJson } : undefined;
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function toTexts(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).flatMap(([key, text]) =>
    typeof text === 'string' ? [[key, text] as const] : [],
  );
  return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : undefined;
}

function toNumber(value: unknown, min: number, max: number): number | undefined {
  return typeof value === 'number' && value >= min && value <= max ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasHeader(headers: Readonly<Record<string, string>>, name: string): boolean {
  return Object.keys(headers).some((given) => given.toLowerCase() === name);
}

function toShown(value: unknown): string {
  return JSON.stringify(value).slice(0, 60);
}
