import { Fault } from '../cli/fault.ts';
import { listAt, textAt } from './json.ts';

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container */
const ANNOTATION = 'kubectl.kubernetes.io/default-container';

/**
 * The container that serves, of a pod or of a pod template: the one wanted, else the one that kubectl takes by its
 * annotation, else the only one.
 * @throws {Fault} where that does not name one
 */
export function chooseContainer(pod: unknown, wanted: string | null): string {
  const names = listAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name') ?? '');
  const annotated = textAt(pod, 'metadata', 'annotations', ANNOTATION);
  const [first, ...others] = names;
  if (wanted !== null) {
    if (names.includes(wanted)) return wanted;
    throw new Fault(`--container ${JSON.stringify(wanted)} is not there: there is ${names.join(', ')}`);
  }
  if (annotated !== null && names.includes(annotated)) return annotated;
  if (first !== undefined && others.length === 0) return first;
  throw new Fault(`which container serves? Name it with --container: ${names.join(', ')}`);
}
