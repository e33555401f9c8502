import type { WorkloadChange } from '../observe/replacement.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';

/** `kubectl rollout restart` writes it into the pod template, and others have taken it over. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
/** An HPA writes through the controller manager, to the subresource. */
const CONTROLLER_MANAGER = 'kube-controller-manager';

/**
 * What is wanted of a workload now and was not before.
 * @param hpa the name of the one that scales it; null: none does
 */
export function toWorkloadChanges(
  before: Json,
  after: Json,
  hpa: string | null,
  atMs: number,
): WorkloadChange[] {
  const [old, now] = [new Field(before), new Field(after)];
  const [from, to] = [replicasOf(old), replicasOf(now)];
  const what = describeTemplateChange(old.get('spec', 'template'), now.get('spec', 'template'));
  return [
    ...(from === null || to === null || from === to
      ? []
      : [{ kind: 'replicas' as const, atMs, from, to, by: nameScaler(now, hpa) }]),
    ...(what === null
      ? []
      : [{ kind: 'template' as const, atMs, what, by: findManager(now, 'f:template')?.name ?? null }]),
  ];
}

/** Null: it does not say, as a DaemonSet. */
function replicasOf(workload: Field): number | null {
  return workload.get('spec', 'replicas').number() ?? null;
}

/** `image web:1 to web:2`, `restart` or `pod template`; null: it is the same. */
function describeTemplateChange(before: Field, after: Field): string | null {
  if (JSON.stringify(before.value) === JSON.stringify(after.value)) return null;
  const images = after
    .get('spec', 'containers')
    .items()
    .flatMap((container) => {
      const others = before.get('spec', 'containers').items();
      const old = others.find((other) => nameOf(other) === nameOf(container));
      const [from, to] = [old?.get('image').text(), container.get('image').text()];
      return from === undefined || to === undefined || from === to ? [] : [`image ${from} to ${to}`];
    });
  if (images.length > 0) return images.join(', ');
  const restartedAt = (template: Field) => template.get('metadata', 'annotations', RESTARTED_AT).text();
  return restartedAt(before) === restartedAt(after) ? 'pod template' : 'restart';
}

function nameOf(container: Field): string {
  return container.get('name').text() ?? '';
}

function nameScaler(workload: Field, hpa: string | null): string | null {
  const manager = findManager(workload, 'f:replicas');
  if (manager === null) return null;
  const isHpa = hpa !== null && manager.name === CONTROLLER_MANAGER && manager.subresource === 'scale';
  return isHpa ? `HPA ${hpa}` : manager.name;
}

/**
 * Who wrote a field of the spec last: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 * Null: nobody is known to have.
 */
function findManager(
  workload: Field,
  field: 'f:template' | 'f:replicas',
): { readonly name: string; readonly subresource: string | null } | null {
  const owners = workload
    .get('metadata', 'managedFields')
    .items()
    .filter((entry) => entry.get('fieldsV1', 'f:spec', field).exists)
    .map((entry) => ({
      name: entry.get('manager').text() ?? '',
      subresource: entry.get('subresource').text() ?? null,
      time: entry.get('time').text() ?? '',
    }))
    // RFC 3339 in UTC sorts as text.
    .sort((a, b) => (a.time < b.time ? -1 : 1));
  return owners.at(-1) ?? null;
}
