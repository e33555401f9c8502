import { createHash } from 'node:crypto';
import { Fault } from '../cli/fault.ts';
import { readInput } from '../cli/input-file.ts';
import {
  choice,
  duration,
  group,
  inputFile,
  integer,
  number,
  type OptionValues,
  optional,
  refine,
  repeatable,
  text,
  toggle,
  withDefault,
} from '../cli/option.ts';
import type { World } from '../cli/world.ts';
import { type Headers, toBytes } from '../engine/request-writer.ts';
import type { Endpoint } from '../engine/settlement.ts';
import type { DataTable } from '../engine/template.ts';
import { TRACE_MODES } from '../engine/trace-context.ts';
import { findColumnFaults, parseDataFile } from '../load/data-file.ts';
import { parseEndpoint, parseHeader } from '../load/endpoint.ts';
import { type HeaderFile, parseHeaderFile } from '../load/header-file.ts';
import { parseProxy, readProxyRules, toFixedRules } from '../load/proxy.ts';
import { parseRequestFile } from '../load/request-file.ts';
import { parseHostPort, type TargetAccess } from '../load/target-url.ts';

const HOUR_MS = 3_600_000;

const header = {
  placeholder: 'HEADER',
  help: "'Name: value', sent with every request",
  parse: parseHeader,
};

/** @param fallback what is requested if none is given */
export function toEndpointOption(fallback: string) {
  return refine(
    repeatable({
      placeholder: 'ENDPOINT',
      help: `'METHOD /path [weight] [expected status]'; without one, the path of the URL, or ${fallback}`,
      parse: parseEndpoint,
    }),
    { conflictsWith: ['--requests'] },
  );
}

const headerOption = repeatable(header);

export function toFreshOption(defaultText: string) {
  return withDefault(
    defaultText,
    number('SHARE', 'Share of the requests that open a fresh connection', { min: 0, max: 1 }),
  );
}

export function toTimeoutOption(defaultText: string) {
  return withDefault(
    defaultText,
    duration('Deadline of each request, from the time it is due', { min: 1, max: HOUR_MS }),
  );
}

export const seedOption = withDefault(
  '1',
  integer('Seed of the plan: the same seed gives the same plan', { min: 0, max: 4_294_967_295 }),
);

/** What is sent, for commands that take their requests from files, too. */
export const REQUEST_OPTIONS = group('Requests', {
  requests: optional(
    inputFile('Requests as JSON lines: method, path, headers, body, weight, and what is expected'),
  ),
  data: optional(
    inputFile('CSV with values for {{column}} in paths, headers and bodies; --seed chooses the rows'),
  ),
  header: headerOption,
  'header-file': optional(
    inputFile("Lines 'Name: value', sent with every request and read again when they change"),
  ),
});

/** For the commands that list losses. */
export const TRACE_OPTION = group('Requests', {
  trace: withDefault(
    'unsampled',
    choice(
      'traceparent of each request: unsampled names a trace, sampled also asks the target to record it; a header of your own wins',
      TRACE_MODES,
    ),
  ),
});

/** How to connect to the target. */
export const ROUTE_OPTIONS = group('Connection', {
  ca: optional(inputFile('PEM file of the certificate authority that signed the target’s certificate')),
  insecure: toggle('Accept any certificate'),
  cert: refine(optional(inputFile('PEM file of the client certificate to show')), { needs: ['--key'] }),
  key: refine(optional(inputFile('PEM file of its private key')), { needs: ['--cert'] }),
  servername: optional(
    text('NAME', 'The name to ask the target for (SNI) and to check its certificate against'),
    'the host of the URL',
  ),
  'connect-to': optional(
    {
      placeholder: 'HOST:PORT',
      help: 'Where to connect instead of the host of the URL',
      parse: parseHostPort,
    },
    'the host of the URL',
  ),
  proxy: optional(
    {
      placeholder: 'URL',
      help: 'HTTP proxy that opens a tunnel to the target by CONNECT',
      parse: parseProxy,
    },
    'HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment',
  ),
});

/** How to connect to the target, and what its responses say about it. */
export const CONNECTION_OPTIONS = {
  ...ROUTE_OPTIONS,
  ...group('Connection', {
    'pod-header': withDefault('X-Pod', text('NAME', 'Response header that names the pod')),
    'version-header': withDefault('X-Version', text('NAME', 'Response header that names the version')),
  }),
};

/** What is sent, as the command line and its files say. */
export interface GivenRequests {
  readonly endpoints: readonly Endpoint[];
  /** Sent with every request that does not have them itself. */
  readonly headers: Headers;
  readonly data: DataTable | null;
  readonly headerFile: HeaderFile | null;
  /** SHA-256 of the files that say what is requested; null: there are none. */
  readonly digest: string | null;
}

/**
 * Reads the files of `REQUEST_OPTIONS`.
 * @param given the endpoints of the command line, and the body of all requests
 * @throws {Fault} that names what is wrong with them
 */
export async function readRequests(
  options: OptionValues<typeof REQUEST_OPTIONS>,
  given: { readonly endpoints: readonly Endpoint[]; readonly body?: string | undefined },
  world: World,
): Promise<GivenRequests> {
  const { requests: requestPath, data: dataPath, 'header-file': headerPath } = options;
  const headers = Object.fromEntries(options.header);
  const digest = createHash('sha256');
  const read = async (flag: string, path: string) => {
    const content = await readInput(flag, path, world);
    digest.update(content).update('\0');
    return content;
  };
  const data = dataPath === undefined ? null : parseDataFile(await read('--data', dataPath), dataPath);
  let endpoints = given.endpoints;
  if (requestPath !== undefined) {
    const readBytes = async (path: string) => {
      const bytes = await world.readText(path, 'latin1');
      digest.update(bytes, 'latin1').update('\0');
      return bytes;
    };
    const content = await read('--requests', requestPath);
    endpoints = await parseRequestFile(content, requestPath, readBytes, data);
  }
  if (data !== null) checkColumns(endpoints, { headers, body: given.body ?? '' }, data);
  return {
    endpoints,
    headers,
    data,
    headerFile: headerPath === undefined ? null : await readHeaderFile(headerPath, options.header, world),
    digest: requestPath === undefined && dataPath === undefined ? null : digest.digest('hex'),
  };
}

/** @throws {Fault} where a column is named that there is not, or none is */
function checkColumns(
  endpoints: readonly Endpoint[],
  { headers, body }: { readonly headers: Headers; readonly body: string },
  data: DataTable,
): void {
  const common = { name: '', method: 'GET', path: '/', weight: 1, headers, body: toBytes(body) };
  const all = [...endpoints, common];
  const faults = all.flatMap((endpoint) =>
    findColumnFaults(endpoint, data).map(
      ({ field, message }) =>
        `${endpoint.name === '' ? '' : `endpoint ${endpoint.name}: `}${field} ${message}`,
    ),
  );
  if (faults.length > 0) throw new Fault(faults.join('\n  '));
  const isUsed = all.some((endpoint) => findColumnFaults(endpoint, null).length > 0);
  if (!isUsed) {
    throw new Fault(`no request uses --data: write {{${data.columns[0]}}} where its values shall go`);
  }
}

async function readHeaderFile(
  path: string,
  given: readonly (readonly [name: string, value: string])[],
  world: World,
): Promise<HeaderFile> {
  const headers = parseHeaderFile(await readInput('--header-file', path, world), path);
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const twice = given.find(([name]) => names.has(name.toLowerCase()));
  if (twice !== undefined) throw new Fault(`${twice[0]} is given by --header and by --header-file: give one`);
  return { path, headers };
}

/**
 * Reads what `ROUTE_OPTIONS` and the environment say about connections.
 * @throws {Fault} where a file cannot be read, or a proxy cannot be used
 */
export async function readTargetAccess(
  options: OptionValues<typeof ROUTE_OPTIONS>,
  world: World,
): Promise<TargetAccess> {
  const { ca, cert, key, servername, proxy, 'connect-to': connectTo } = options;
  const read = (flag: string, path: string) => readInput(flag, path, world);
  return {
    ca: ca === undefined ? null : await read('--ca', ca),
    isVerified: !options.insecure,
    ...(cert === undefined || key === undefined
      ? {}
      : { clientCertificate: { cert: await read('--cert', cert), key: await read('--key', key) } }),
    ...(servername === undefined ? {} : { serverName: servername }),
    ...(connectTo === undefined ? {} : { connectTo }),
    proxies: proxy === undefined ? readProxyRules(world.env) : toFixedRules(proxy),
  };
}
