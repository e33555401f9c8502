import { UsageError } from '../usage-error.ts';
import { at, type Json, listAt, numberAt, textAt } from './json.ts';

/** The way to a Deployment's pods. */
export interface Way {
  /** The Service whose endpoints tell which pods get traffic; null: none selects the pods. */
  readonly service: string | null;
  readonly url: URL;
}

/**
 * The Service that leads to the pods of this template, and its address: of several the one that a balancer serves.
 *
 * @param given where the load is to go; null: the Service's address
 * @throws {UsageError} where no Service has an address, or several have
 */
export function chooseWay(services: readonly Json[], template: unknown, given: URL | null): Way {
  const own = services.filter((service) => isServiceOf(service, template));
  const ways = own.flatMap((service) => {
    const url = toServiceUrl(service);
    return url === null
      ? []
      : [{ service: nameOf(service), url, isBalanced: ingressOf(service) !== undefined }];
  });
  const balanced = ways.filter(({ isBalanced }) => isBalanced);
  const best = balanced.length > 0 ? balanced : ways;
  const [way, ...others] = best;
  if (given !== null) {
    const [first] = own;
    return {
      service: way?.service ?? (first === undefined ? null : nameOf(first)),
      url: given,
    };
  }
  if (way === undefined) {
    const names = own.map(nameOf).join(', ');
    throw new UsageError(
      names === ''
        ? 'no Service selects the pods of the Deployment: name their address with --url'
        : `Service ${names} has no address: name one with --url`,
    );
  }
  if (others.length > 0) {
    const list = best.map(({ service, url }) => `${service} (${url.origin})`).join(', ');
    throw new UsageError(`several Services lead to the pods: choose one with --url: ${list}`);
  }
  return { service: way.service, url: way.url };
}

/** Does this Service select the pods of this template? */
export function isServiceOf(service: Json, template: unknown): boolean {
  const selector = Object.entries(
    (at(service, 'spec', 'selector') as Record<string, string> | undefined) ?? {},
  );
  const labels = (at(template, 'metadata', 'labels') as Record<string, string> | undefined) ?? {};
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
}

/**
 * Where a Service is reached from here: its balancer's address, else its own within the cluster. Null: it has none, as
 * a headless one, or no port for HTTP.
 */
export function toServiceUrl(service: Json): URL | null {
  const port = choosePort(listAt(service, 'spec', 'ports'));
  const ingress = ingressOf(service);
  const host = textAt(ingress, 'ip') ?? textAt(ingress, 'hostname') ?? textAt(service, 'spec', 'clusterIP');
  if (port === undefined || host === null || host === 'None') return null;
  const scheme = isTls(port) ? 'https' : 'http';
  return new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${numberAt(port, 'port')}`);
}

function ingressOf(service: Json): Json | undefined {
  return listAt(service, 'status', 'loadBalancer', 'ingress')[0];
}

/** The port that says it speaks HTTP, by protocol or by name; else the first one that may. */
function choosePort(ports: readonly Json[]): Json | undefined {
  const tcp = ports.filter((port) => (textAt(port, 'protocol') ?? 'TCP') === 'TCP');
  return tcp.find((port) => /^http$/.test(saysOf(port))) ?? tcp.find(isTls) ?? tcp[0];
}

function isTls(port: Json): boolean {
  return /^https/.test(saysOf(port)) || (saysOf(port) === '' && numberAt(port, 'port') === 443);
}

function saysOf(port: Json): string {
  return textAt(port, 'appProtocol') ?? textAt(port, 'name') ?? '';
}

function nameOf(object: Json): string {
  return textAt(object, 'metadata', 'name') ?? '';
}
