import type { Endpoint, PlannedRequest } from './settlement.ts';
import { type Target, toHostField } from './target.ts';
import { hasOwnTrace, type TraceContext, toTraceparent } from './trace-context.ts';

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

/** The fields of a request to this endpoint, save its id, its trace and `Connection`. */
export function toFields(target: Target, endpoint: Endpoint): [name: string, value: string][] {
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
 * @param trace null: requests have no trace, save where an endpoint's own headers say so
 * @throws {TypeError} for an endpoint with a `toRequestFault`
 */
export function createRequestWriter(
  target: Target,
  endpoints: readonly Endpoint[],
  requestId: RequestIdField | null,
  trace: TraceContext | null,
): (request: PlannedRequest, isLast: boolean) => string {
  const texts = endpoints.map((endpoint) => {
    const fault = toRequestFault(endpoint);
    if (fault !== null) throw new TypeError(fault);
    const lines = toFields(target, endpoint).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${endpoint.method} ${endpoint.path} HTTP/1.1\r\n${lines.join('')}`;
    const body = Buffer.from(endpoint.body ?? '').toString('latin1');
    return {
      kept: head,
      last: `${head}Connection: close\r\n`,
      rest: `\r\n${body}`,
      trace: hasOwnTrace(endpoint) ? null : trace,
    };
  });

  return (request, isLast) => {
    const text = texts[request.endpoint];
    if (text === undefined) throw new RangeError(`no endpoint ${request.endpoint} in the plan`);
    const head = isLast ? text.last : text.kept;
    const traced = text.trace === null ? '' : `traceparent: ${toTraceparent(text.trace, request)}\r\n`;
    if (requestId === null) return head + traced + text.rest;
    return `${head}${traced}${requestId.header}: ${toRequestId(requestId, request)}\r\n${text.rest}`;
  };
}

/**
 * Why requests to this endpoint cannot be written as HTTP/1.1 (RFC 9110 §5.5, §5.6.2, §9; RFC 9112 §3.2.1), with the
 * value that is at fault; null: they can.
 */
export function toRequestFault({ name, method, path, headers = {} }: Endpoint): string | null {
  const told = (what: string, value: string, fault: string) =>
    `endpoint ${name}: ${what} ${JSON.stringify(value)} ${fault}`;
  if (!TOKEN.test(method) || method === 'CONNECT') {
    return told('method', method, 'is not an HTTP method to load with');
  }
  if (!ORIGIN_FORM.test(path)) {
    return told('path', path, 'must start with / and hold no space or control character');
  }
  for (const [field, value] of Object.entries(headers)) {
    if (!TOKEN.test(field)) return told('header name', field, 'is not a token');
    if (OWN_FIELDS.has(field.toLowerCase())) return told('header', field, 'is set by the engine itself');
    if (!FIELD_VALUE.test(value)) {
      return told(`header ${field}`, value, 'holds a control or non-Latin-1 character');
    }
  }
  return null;
}
