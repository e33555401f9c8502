import { Fault } from '../cli/fault.ts';
import type { Field } from './field.ts';

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container */
const ANNOTATION = 'kubectl.kubernetes.io/default-container';

/**
 * The container that serves, of a pod or of a pod template: the one wanted, else the one that kubectl takes by its
 * annotation, else the only one.
 * @throws {Fault} where that does not name one
 */
export function chooseContainer(pod: Field, wanted: string | null): string {
  const containers = pod.get('spec', 'containers').items();
  const names = containers.map((container) => container.get('name').text() ?? '');
  const annotated = pod.get('metadata', 'annotations', ANNOTATION).text();
  const [first, ...others] = names;
  if (wanted !== null) {
    if (names.includes(wanted)) return wanted;
    throw new Fault(`--container ${JSON.stringify(wanted)} is not there: there is ${names.join(', ')}`);
  }
  if (annotated !== undefined && names.includes(annotated)) return annotated;
  if (first !== undefined && others.length === 0) return first;
  throw new Fault(`which container serves? Name it with --container: ${names.join(', ')}`);
}

/** All that run as long as the pod does, by its spec: containers, and init containers that restart always (sidecars). */
export function toContainers(podSpec: Field): readonly Field[] {
  const restarting = podSpec
    .get('initContainers')
    .items()
    .filter((container) => container.get('restartPolicy').text() === 'Always');
  return [...podSpec.get('containers').items(), ...restarting];
}

/** Is this one of `toContainers` an init container, which ends after the others? */
export function isSidecar({ path }: Field): boolean {
  return path.includes('initContainers');
}

/** The one of a list (containers, or their statuses) with that name, or the first; absent where there is none. */
export function findNamed(list: Field, name: string | null): Field {
  const items = list.items();
  const index = name === null ? 0 : items.findIndex((item) => item.get('name').text() === name);
  return items[index] ?? list.get(index);
}

export function hasPorts(container: Field): boolean {
  return container.get('ports').items().length > 0;
}

/** The number of a port that is given by its number, or by the name of one that the container declares. */
export function portNumber(container: Field, port: number | string | null | undefined): number | undefined {
  if (typeof port !== 'string') return port ?? undefined;
  const named = findNamed(container.get('ports'), port);
  return named.get('containerPort').number();
}

/** `container web` */
export function formatContainer(container: Field): string {
  return `container ${container.get('name').text() ?? '?'}`;
}
