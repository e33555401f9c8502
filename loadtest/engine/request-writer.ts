import type { Endpoint, Plan, PlannedRequest } from './settlement.ts';
import { type Target, toHostField } from './target.ts';
import { createTemplate } from './template.ts';
import { createTraces, hasOwnTrace, type TraceContext } from './trace-context.ts';

/** Sends each request's own id, so that server logs can be matched with the ledger. */
export interface RequestIdField {
  /** Field name, for example `X-Request-Id`. */
  readonly header: string;
  /** The id is this and the request's index. */
  readonly prefix: string;
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ORIGIN_FORM = /^\/[\x21-\x7e]*$/;

/** Fields that frame the message or govern the connection: they are the engine's. */
const OWN_FIELDS = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Methods for which an empty body is announced, RFC 9110 §8.6. */
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);

export function toRequestId({ prefix }: RequestIdField, { index }: PlannedRequest): string {
  return `${prefix}${index}`;
}

/** By name, as written. */
export type Headers = Readonly<Record<string, string>>;

/**
 * The fields of a request to this endpoint, save its id, its trace, `Connection` and `Content-Length`.
 * @param shared sent where the endpoint has no field of that name
 */
export function toFields(
  target: Target,
  { headers = {} }: Pick<Endpoint, 'headers'>,
  shared: Headers = {},
): [name: string, value: string][] {
  const fields = new Map([
    ['host', ['Host', toHostField(target)]],
    ['user-agent', ['User-Agent', 'dropless-loadtest']],
    ['accept', ['Accept', '*/*']],
  ] as [string, [string, string]][]);
  for (const [name, value] of [...Object.entries(shared), ...Object.entries(headers)]) {
    fields.set(name.toLowerCase(), [name, value]);
  }
  return [...fields.values()];
}

/** One request, save its id and its trace: up to the last field, with and without notice that it is the connection's last, and the rest. */
interface RequestText {
  readonly kept: string;
  readonly last: string;
  readonly rest: string;
  /** Its own fields name a trace. */
  readonly hasTrace: boolean;
}

/** What is different in each request; null: it is not sent. */
interface RequestNames {
  readonly requestId: RequestIdField | null;
  readonly trace: TraceContext | null;
}

/**
 * The requests' bytes, as latin1 strings.
 * @param toShared the headers to send now where an endpoint has none of that name: another object once they change
 * @throws {TypeError} for an endpoint with a `toRequestFault`
 * @throws {RangeError} where an endpoint names a column that the data does not have
 */
export function createRequestWriter(
  target: Target,
  { endpoints, data }: Pick<Plan, 'endpoints' | 'data'>,
  { requestId, trace }: RequestNames,
  toShared: () => Headers = () => NONE,
): (request: PlannedRequest, isLast: boolean) => string {
  for (const endpoint of endpoints) {
    const fault = toRequestFault(endpoint);
    if (fault !== null) throw new TypeError(fault);
  }
  const traces = trace === null ? null : createTraces(trace);
  const columns = data?.columns ?? [];
  const toTexts = () => endpoints.map((endpoint) => toRequestText(target, endpoint, shared, columns));
  let shared = toShared();
  let texts = toTexts();

  return (request, isLast) => {
    if (toShared() !== shared) {
      shared = toShared();
      texts = toTexts();
    }
    const text = texts[request.endpoint];
    if (text === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    const { kept, last, rest, hasTrace } = typeof text === 'function' ? text(rowOf(request)) : text;
    const own = traces === null || hasTrace ? '' : `traceparent: ${traces.traceparentOf(request)}\r\n`;
    const head = (isLast ? last : kept) + own;
    if (requestId === null) return head + rest;
    return `${head}${requestId.header}: ${toRequestId(requestId, request)}\r\n${rest}`;
  };

  function rowOf({ row }: PlannedRequest): readonly string[] {
    return (row === undefined ? undefined : data?.rows[row]) ?? [];
  }
}

const NONE: Headers = {};

/** The text of all requests to this endpoint; a function of the row where they take values from data. */
function toRequestText(
  target: Target,
  endpoint: Endpoint,
  shared: Headers,
  columns: readonly string[],
): RequestText | ((row: readonly string[]) => RequestText) {
  const { method, path, body } = endpoint;
  const fields = toFields(target, endpoint, shared);
  const hasTrace = hasOwnTrace(Object.fromEntries(fields));
  const toText = (filledPath: string, lines: string, bytes: string | undefined): RequestText => {
    const length = bytes !== undefined || BODY_METHODS.has(method) ? (bytes ?? '').length : null;
    const framing = length === null ? '' : `Content-Length: ${length}\r\n`;
    const kept = `${method} ${filledPath} HTTP/1.1\r\n${lines}${framing}`;
    return { kept, last: `${kept}Connection: close\r\n`, rest: `\r\n${bytes ?? ''}`, hasTrace };
  };
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  if (columns.length === 0) return toText(path, lines, body);

  const type = fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const pathOf = createTemplate(path, columns, encodeURIComponent);
  const linesOf = createTemplate(lines, columns, (value) => value);
  const bodyOf = body === undefined ? null : createTemplate(toBodyText(body), columns, toBodyEscape(type));
  if (pathOf === null && linesOf === null && bodyOf === null) return toText(path, lines, body);
  return (row) =>
    toText(pathOf?.(row) ?? path, linesOf?.(row) ?? lines, bodyOf === null ? body : toBytes(bodyOf(row)));
}

/** The bytes of a body, a character for each, from its text. */
export function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The text of a body, from its bytes; empty where they are not UTF-8, as no column can be named there. */
export function toBodyText(bytes: string): string {
  const text = Buffer.from(bytes, 'latin1').toString();
  return toBytes(text) === bytes ? text : '';
}

/** What makes a value safe in a body of this type: within a JSON string, or in a form. */
function toBodyEscape(contentType: string): (value: string) => string {
  if (/^application\/([\w.-]+\+)?json\b/i.test(contentType))
    return (value) => JSON.stringify(value).slice(1, -1);
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return encodeURIComponent;
  return (value) => value;
}

/** May the value of a field be this? RFC 9110 §5.5. */
export function isFieldValue(value: string): boolean {
  return FIELD_VALUE.test(value);
}

/** Why a field cannot be sent, without its value, which may be a secret; null: it can. */
export function findHeaderFault(name: string, value: string): string | null {
  if (!TOKEN.test(name)) return `name ${JSON.stringify(name)} is not a token`;
  if (OWN_FIELDS.has(name.toLowerCase())) return `${JSON.stringify(name)} is set by the engine itself`;
  return isFieldValue(value) ? null : `${name} holds a control or non-Latin-1 character`;
}

/**
 * Why requests to this endpoint cannot be written as HTTP/1.1 (RFC 9110 §5.5, §5.6.2, §9; RFC 9112 §3.2.1), field by
 * field; empty: they can.
 */
export function findRequestFaults({
  method,
  path,
  headers = {},
}: Pick<Endpoint, 'method' | 'path' | 'headers'>): {
  field: 'method' | 'path' | 'headers';
  message: string;
}[] {
  const faults: ReturnType<typeof findRequestFaults> = [];
  if (!TOKEN.test(method) || method === 'CONNECT') {
    const message = `${JSON.stringify(method)} is not an HTTP method to load with`;
    faults.push({ field: 'method', message });
  }
  if (!ORIGIN_FORM.test(path)) {
    const message = `${JSON.stringify(path)} must start with / and hold no space or control character`;
    faults.push({ field: 'path', message });
  }
  for (const [name, value] of Object.entries(headers)) {
    const message = findHeaderFault(name, value);
    if (message !== null) faults.push({ field: 'headers', message });
  }
  return faults;
}

/** The first of them, in one sentence; null: there is none. */
export function toRequestFault(endpoint: Endpoint): string | null {
  const [fault] = findRequestFaults(endpoint);
  if (fault === undefined) return null;
  return `endpoint ${endpoint.name}: ${fault.field === 'headers' ? 'header' : fault.field} ${fault.message}`;
}
