import type { HostPort } from '../engine/target.ts';
import type { Field } from './field.ts';
import { hasEnded } from './pod-changes.ts';

/**
 * Where a pod gets its traffic; null: it has no address yet or any more, or no port of that name.
 * @param port as a number or by its name, as the `targetPort` of a Service tells it; null: not known
 */
export function toPodAddress(pod: Field, port: number | string | null): HostPort | null {
  const host = pod.get('status', 'podIP').text() ?? '';
  const number = typeof port === 'string' ? findPort(pod, port) : port;
  return host === '' || number === null || hasEnded(pod) ? null : { host, port: number };
}

function findPort(pod: Field, name: string): number | null {
  const ports = pod
    .get('spec', 'containers')
    .items()
    .flatMap((container) => container.get('ports').items());
  return (
    ports
      .find((port) => port.get('name').text() === name)
      ?.get('containerPort')
      .number() ?? null
  );
}
