import { Fault } from '../cli/fault.ts';
import type { Field } from './field.ts';
import { nameOf } from './object.ts';
import { hasLabels } from './selector.ts';

/** The way to a workload's pods. */
export interface Way {
  /** The Service whose endpoints tell which pods get traffic; null: none selects the pods. */
  readonly service: string | null;
  /** Of the pods that may become its endpoints, as a query takes it; null: there is no Service. */
  readonly selector: string | null;
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
export function chooseWay(services: readonly Field[], template: Field, given: URL | null): Way {
  const own = services.filter((service) => isServiceOf(service, template));
  const balanced = own.filter((service) => ingressOf(service) !== undefined).flatMap(toWays);
  const ways = own.flatMap(toWays);
  const best = balanced.length > 0 ? balanced : ways;
  const [way, ...others] = best;
  const [first] = own;
  if (given !== null) {
    const known = ways.find(({ url }) => url.origin === given.origin) ?? way;
    const any = {
      service: first === undefined ? null : nameOf(first),
      selector: first === undefined ? null : toQuery(first),
      targetPort: null,
    };
    return { ...(known ?? any), url: given };
  }
  if (way === undefined) {
    const names = own.map(nameOf).join(', ');
    if (names === '') throw new Fault('no Service selects the pods: name their address with --url');
    const isHeadless = own.every((service) => service.get('spec', 'clusterIP').text() === 'None');
    const why = isHeadless ? 'is headless: it has no address' : 'has no address';
    throw new Fault(`Service ${names} ${why} to send the load to: name one with --url`);
  }
  if (others.length > 0) {
    const list = best.map(({ service, url }) => `${service} (${url.origin})`).join(', ');
    throw new Fault(`several addresses lead to the pods: choose one with --url: ${list}`);
  }
  return way;
}

/** Undefined where a Service chooses no pods: it has no selector, or is a name for something outside. */
export function serviceSelector(service: Field): ReadonlyMap<string, string> | undefined {
  const selector = service.get('spec', 'selector').texts();
  return selector.size === 0 || service.get('spec', 'type').text() === 'ExternalName' ? undefined : selector;
}

/** Argo Rollouts adds it to the selectors of the Services that it switches from one ReplicaSet to another. */
const SWITCHED_LABEL = 'rollouts-pod-template-hash';

/** The labels of all pods that may become endpoints of this Service, now or after a switch; undefined: it chooses none. */
function lastingSelector(service: Field): ReadonlyMap<string, string> | undefined {
  const selector = serviceSelector(service);
  return selector && new Map([...selector].filter(([label]) => label !== SWITCHED_LABEL));
}

function toQuery(service: Field): string {
  const labels = [...(lastingSelector(service) ?? [])];
  return encodeURIComponent(labels.map(([key, value]) => `${key}=${value}`).join(','));
}

/** Does this Service select the pods of this template? */
function isServiceOf(service: Field, template: Field): boolean {
  const selector = lastingSelector(service);
  return selector !== undefined && hasLabels(template.get('metadata', 'labels').texts(), selector);
}

interface ServicePort {
  readonly field: Field;
  readonly target: string | number;
}

/** The ports of a Service, each with the port of the pod that it leads to: a number, or the name of one. */
export function servicePorts(service: Field): ServicePort[] {
  return service
    .get('spec', 'ports')
    .items()
    .flatMap((field) => {
      const target = field.get('targetPort').scalar() ?? field.get('port').number();
      return target === undefined ? [] : [{ field, target }];
    });
}

/**
 * Where a Service is reached from here: its balancer's address, else its own within the cluster, at each port that may
 * be meant. Empty: it has none, as a headless one, or no port for HTTP.
 */
export function toWays(service: Field): readonly Way[] {
  const ingress = ingressOf(service);
  const host =
    ingress?.get('ip').text() ?? ingress?.get('hostname').text() ?? service.get('spec', 'clusterIP').text();
  if (host === undefined || host === 'None' || host === '') return [];
  return choosePorts(servicePorts(service)).map(({ field, target }) => ({
    service: nameOf(service),
    selector: toQuery(service),
    url: new URL(
      `${isTls(field) ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${field.get('port').number()}`,
    ),
    targetPort: target,
  }));
}

function ingressOf(service: Field): Field | undefined {
  return service.get('status', 'loadBalancer', 'ingress').items()[0];
}

/** The ports that say they speak HTTP, by protocol or by name (plain before TLS); else all that may. */
function choosePorts(ports: readonly ServicePort[]): readonly ServicePort[] {
  const tcp = ports.filter(({ field }) => (field.get('protocol').text() ?? 'TCP') === 'TCP');
  const grades = [
    (port: Field) => saysOf(port) === 'http',
    (port: Field) => /^http-/.test(saysOf(port)),
    isTls,
    () => true,
  ];
  return (
    grades.map((isMeant) => tcp.filter(({ field }) => isMeant(field))).find((meant) => meant.length > 0) ?? []
  );
}

function isTls(port: Field): boolean {
  return /^https(-|$)/.test(saysOf(port)) || (saysOf(port) === '' && port.get('port').number() === 443);
}

function saysOf(port: Field): string {
  return port.get('appProtocol').text() ?? port.get('name').text() ?? '';
}
