import { UsageError } from '../usage-error.ts';
import { type Json, listAt, textAt } from './json.ts';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/**
 * The container that serves: the one named, else the one that the annotation names, else the only one.
 *
 * @param pod a Pod, or the template of pods
 * @throws {UsageError} where it is not there, or there are several and none is named
 */
export function chooseContainer(pod: unknown, given: string | null): string {
  const names = listAt(pod, 'spec', 'containers').map((container: Json) => textAt(container, 'name') ?? '');
  const wanted = given ?? textAt(pod, 'metadata', 'annotations', DEFAULT_CONTAINER);
  if (wanted !== null && !names.includes(wanted)) {
    throw new UsageError(`there is no container ${JSON.stringify(wanted)}; there are ${names.join(', ')}`);
  }
  const [first = '', ...others] = names;
  if (wanted === null && others.length > 0) {
    throw new UsageError(
      `the pod has several containers: name the one that serves with --container: ${names.join(', ')}`,
    );
  }
  return wanted ?? first;
}
