import { Fault } from '../cli/fault.ts';
import { type Headers, toBytes, toRequestFault } from '../engine/request-writer.ts';
import type { Endpoint } from '../engine/settlement.ts';

const toGet = (path: string): Endpoint => ({ name: path, method: 'GET', path, weight: 1 });

/** The service of this project, in equal parts. */
const DEFAULT_ENDPOINTS: readonly Endpoint[] = ['/health', '/ready', '/payload', '/metrics'].map(toGet);

/** `METHOD PATH [WEIGHT] [STATUS]`: `GET /items?page=2 3` is three times as frequent as `GET /items/x 1 404`. */
export function parseEndpoint(text: string): Endpoint {
  const [, method, path, weight = '1', status] =
    /^([A-Z]+) (\/\S*)(?: (\d+\.?\d*))?(?: ([1-5]\d\d))?$/.exec(text.trim().replace(/ +/g, ' ')) ?? [];
  if (method === undefined || path === undefined) {
    throw new Fault(
      "must be 'METHOD /path [weight] [expected status]', for example 'GET /items 2' or 'GET /no 1 404'",
    );
  }
  const endpoint = {
    name: method === 'GET' ? path : `${method} ${path}`,
    method,
    path,
    weight: Number(weight),
  };
  return status === undefined ? endpoint : { ...endpoint, expectedStatus: Number(status) };
}

/** `Name: value`. */
export function parseHeader(text: string): readonly [name: string, value: string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Fault("must be 'Name: value'");
  return [name, value];
}

/**
 * The endpoints to load: those given; or the path of the URL, if it has one; or those of this project's service. Each
 * gets the headers that it does not have itself, and the body, if there is one.
 * @throws {Fault} where the URL and the endpoints both name a path, nothing has a weight, or a request cannot be
 *   written as HTTP/1.1
 */
export function chooseEndpoints(
  given: readonly Endpoint[],
  url: URL,
  { headers, body }: { readonly headers?: Headers; readonly body?: string },
): readonly Endpoint[] {
  const path = `${url.pathname}${url.search}`;
  if (given.length > 0 && path !== '/') {
    throw new Fault(
      `the URL has the path ${path}, but --endpoint or --requests names the paths: give one or the other`,
    );
  }
  const names = given.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Fault(`--endpoint ${JSON.stringify(twice)} is given twice: use a weight`);
  if (given.length > 0 && given.every(({ weight }) => weight === 0)) {
    throw new Fault('every endpoint has the weight 0, so there is nothing to send');
  }
  const chosen = given.length > 0 ? given : path === '/' ? DEFAULT_ENDPOINTS : [toGet(path)];
  return chosen.map((endpoint) =>
    checkRequest({
      ...endpoint,
      ...(headers === undefined ? {} : { headers: { ...headers, ...endpoint.headers } }),
      ...(body === undefined ? {} : { body: toBytes(body) }),
    }),
  );
}

/** @throws {Fault} where no request can be written to it */
function checkRequest(endpoint: Endpoint): Endpoint {
  const fault = toRequestFault(endpoint);
  if (fault !== null) throw new Fault(fault);
  return endpoint;
}
