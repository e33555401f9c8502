import { Fault } from '../cli/fault.ts';
import { at, type Json, listAt, numberAt, textAt } from './json.ts';

/** The way to a Deployment's pods. */
export interface Way {
  /** The Service whose endpoints tell which pods get traffic; null: none selects the pods. */
  readonly service: string | null;
  readonly url: URL;
  /** The port of the pods that it leads to, as a number or by its name; null: not known. */
  readonly targetPort: number | string | null;
}

/**
 * The Service that leads to the pods of this template, and its address: of several the one that a balancer serves.
 *
 * @param given where the load is to go; null: the Service's address
 * @throws {Fault} where no Service has an address, or there are several
 */
export function chooseWay(services: readonly Json[], template: unknown, given: URL | null): Way {
  const own = services.filter((service) => isServiceOf(service, template));
  const balanced = own.filter((service) => ingressOf(service) !== undefined).flatMap(toWays);
  const ways = own.flatMap(toWays);
  const best = balanced.length > 0 ? balanced : ways;
  const [way, ...others] = best;
  const [first] = own;
  if (given !== null) {
    const known = ways.find(({ url }) => url.origin === given.origin) ?? way;
    const any = { service: first === undefined ? null : nameOf(first), targetPort: null };
    return { ...(known ?? any), url: given };
  }
  if (way === undefined) {
    const names = own.map(nameOf).join(', ');
    throw new Fault(
      names === ''
        ? 'no Service selects the pods of the Deployment: name their address with --url'
        : `Service ${names} has no address: name one with --url`,
    );
  }
  if (others.length > 0) {
    const list = best.map(({ service, url }) => `${service} (${url.origin})`).join(', ');
    throw new Fault(`several addresses lead to the pods: choose one with --url: ${list}`);
  }
  return way;
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
 * Where a Service is reached from here: its balancer's address, else its own within the cluster, at each port that may
 * be meant. Empty: it has none, as a headless one, or no port for HTTP.
 */
export function toWays(service: Json): readonly Way[] {
  const ingress = ingressOf(service);
  const host = textAt(ingress, 'ip') ?? textAt(ingress, 'hostname') ?? textAt(service, 'spec', 'clusterIP');
  if (host === null || host === 'None' || host === '') return [];
  return choosePorts(listAt(service, 'spec', 'ports')).map((port) => ({
    service: nameOf(service),
    url: new URL(
      `${isTls(port) ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${numberAt(port, 'port')}`,
    ),
    targetPort: numberAt(port, 'targetPort') ?? textAt(port, 'targetPort') ?? numberAt(port, 'port'),
  }));
}

function ingressOf(service: Json): Json | undefined {
  return listAt(service, 'status', 'loadBalancer', 'ingress')[0];
}

/** The ports that say they speak HTTP, by protocol or by name (plain before TLS); else all that may. */
function choosePorts(ports: readonly Json[]): readonly Json[] {
  const tcp = ports.filter((port) => (textAt(port, 'protocol') ?? 'TCP') === 'TCP');
  const grades = [
    (port: Json) => saysOf(port) === 'http',
    (port: Json) => /^http-/.test(saysOf(port)),
    isTls,
    () => true,
  ];
  return grades.map((isMeant) => tcp.filter(isMeant)).find((meant) => meant.length > 0) ?? [];
}

function isTls(port: Json): boolean {
  return /^https(-|$)/.test(saysOf(port)) || (saysOf(port) === '' && numberAt(port, 'port') === 443);
}

function saysOf(port: Json): string {
  return textAt(port, 'appProtocol') ?? textAt(port, 'name') ?? '';
}

function nameOf(object: Json): string {
  return textAt(object, 'metadata', 'name') ?? '';
}
