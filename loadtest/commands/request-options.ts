import {
  duration,
  group,
  inputFile,
  integer,
  number,
  optional,
  repeatable,
  text,
  toggle,
  withDefault,
} from '../cli/option.ts';
import { parseEndpoint, parseHeader } from '../load/endpoint.ts';

const HOUR_MS = 3_600_000;

const header = {
  placeholder: 'HEADER',
  help: "'Name: value', sent with every request",
  parse: parseHeader,
};

/** @param fallback what is requested if none is given */
export function toEndpointOption(fallback: string) {
  return repeatable({
    placeholder: 'ENDPOINT',
    help: `'METHOD /path [weight] [expected status]'; without one, the path of the URL, or ${fallback}`,
    parse: parseEndpoint,
  });
}

export const headerOption = repeatable(header);

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

/** How to connect to the target, and what its responses say about it. */
export const CONNECTION_OPTIONS = group('Connection', {
  ca: optional(inputFile('PEM file of the certificate authority that signed the target’s certificate')),
  insecure: toggle('Accept any certificate'),
  'pod-header': withDefault('X-Pod', text('NAME', 'Response header that names the pod')),
  'version-header': withDefault('X-Version', text('NAME', 'Response header that names the version')),
});
