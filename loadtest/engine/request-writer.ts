import { Fault } from '../cli/fault.ts';
import type { Endpoint, PlannedRequest } from './settlement.ts';
import { type Target, toHostField } from './target.ts';

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

/** The fields of a request to this endpoint, save its id and `Connection`. @throws {Fault} */
export function toFields(target: Target, endpoint: Endpoint): [name: string, value: string][] {
  checkEndpoint(endpoint);
  const fields = new Map([
    ['host', ['Host', toHostField(target)]],
    ['user-agent', ['User-Agent', 'dropless-loadtest']],
    ['accept', ['Accept', '*/*']],
  ] as [string, [string, string]][]);
  for (const [name, value] of Object.entries(endpoint.headers ?? {})) {
    fields.set(name.toLowerCase(), [name, value]);
  }
  if (endpoint.body !== undefined || BODY_METHODS.has(endpoint.method)) {
    fields.set('content-length', ['Content-Length', String(Buffer.byteLength(endpoint.body ?? ''))]);
  }
  return [...fields.values()];
}

/**
 * The requests' bytes, as latin1 strings.
 * @throws {Fault} for an endpoint that cannot be written as HTTP/1.1
 */
export function createRequestWriter(
  target: Target,
  endpoints: readonly Endpoint[],
  requestId: RequestIdField | null,
): (request: PlannedRequest, isLast: boolean) => string {
  const texts = endpoints.map((endpoint) => {
    const lines = toFields(target, endpoint).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${endpoint.method} ${endpoint.path} HTTP/1.1\r\n${lines.join('')}`;
    const body = Buffer.from(endpoint.body ?? '').toString('latin1');
    return { kept: head, last: `${head}Connection: close\r\n`, rest: `\r\n${body}` };
  });

  return (request, isLast) => {
    const text = texts[request.endpoint];
    if (text === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    const head = isLast ? text.last : text.kept;
    if (requestId === null) return head + text.rest;
    return `${head}${requestId.header}: ${toRequestId(requestId, request)}\r\n${text.rest}`;
  };
}

function checkEndpoint({ name, method, path, headers = {} }: Endpoint): void {
  const fail = (what: string, value: string, fix: string): never => {
    throw new Fault(`endpoint ${name}: ${what} ${JSON.stringify(value)} ${fix}`);
  };
  if (!TOKEN.test(method) || method === 'CONNECT')
    fail('method', method, 'is not an HTTP method to load with');
  if (!ORIGIN_FORM.test(path)) fail('path', path, 'must start with / and hold no space or control character');
  for (const [field, value] of Object.entries(headers)) {
    if (!TOKEN.test(field)) fail('header name', field, 'is not a token');
    if (OWN_FIELDS.has(field.toLowerCase())) fail('header', field, 'is set by the engine itself');
    if (!FIELD_VALUE.test(value)) fail(`header ${field}`, value, 'holds a control or non-Latin-1 character');
  }
}
