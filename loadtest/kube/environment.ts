import type { Field } from './field.ts';
import type { KubeObject } from './object.ts';

/** The environment of a container, with the values of ConfigMaps that are in the input. Secrets are not read. */
export function toEnvironment(
  objects: readonly KubeObject[],
  namespace: string,
  container: Field,
): ReadonlyMap<string, string> {
  const configMap = (name: string | undefined) =>
    objects.find(
      (object) => object.kind === 'ConfigMap' && object.name === name && object.namespace === namespace,
    );
  const environment = new Map<string, string>();
  for (const from of container.get('envFrom').items()) {
    const prefix = from.get('prefix').text() ?? '';
    const data = configMap(from.get('configMapRef', 'name').text())?.root.get('data');
    for (const [key, value] of data?.texts() ?? []) environment.set(prefix + key, value);
  }
  for (const variable of container.get('env').items()) {
    const reference = variable.get('valueFrom', 'configMapKeyRef');
    const given = variable.get('value').text();
    const value =
      (given === undefined ? undefined : expand(given, environment)) ??
      configMap(reference.get('name').text())
        ?.root.get('data', reference.get('key').text() ?? '')
        .text();
    if (value !== undefined) environment.set(variable.get('name').text() ?? '', value);
  }
  return environment;
}

/**
 * `$(NAME)` is the value of a variable that came before, and `$$` a dollar sign; a name that is not known stays.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
function expand(text: string, environment: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([\w.-]+)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (environment.get(name) ?? whole),
  );
}

/** A part of the environment of a container that the input does not hold. */
export interface UnreadVariable {
  readonly field: Field;
  /** Null: all that an `envFrom` would bring. */
  readonly name: string | null;
  /** Where it would come from: `Secret db`; null: from the pod itself, by a fieldRef or a resourceFieldRef. */
  readonly source: string | null;
  readonly isOptional: boolean;
}

/** The variables that `toEnvironment` cannot give a value. */
export function toUnreadVariables(
  objects: readonly KubeObject[],
  namespace: string,
  container: Field,
): readonly UnreadVariable[] {
  const environment = toEnvironment(objects, namespace, container);
  const isThere = (kind: string, name: string) =>
    objects.some((object) => object.kind === kind && object.name === name && object.namespace === namespace);
  const toUnread = (field: Field, name: string | null): UnreadVariable => {
    const from = name === null ? field : field.get('valueFrom');
    const ending = name === null ? 'Ref' : 'KeyRef';
    for (const [key, kind] of [
      [`configMap${ending}`, 'ConfigMap'],
      [`secret${ending}`, 'Secret'],
    ] as const) {
      const reference = from.get(key);
      if (!reference.exists) continue;
      const source = `${kind} ${reference.get('name').text() ?? '?'}`;
      return { field, name, source, isOptional: reference.get('optional').isTrue() };
    }
    return { field, name, source: null, isOptional: false };
  };
  const bulk = container
    .get('envFrom')
    .items()
    .filter((from) => !isThere('ConfigMap', from.get('configMapRef', 'name').text() ?? ''));
  const single = container
    .get('env')
    .items()
    .filter(
      (variable) => variable.get('valueFrom').exists && !environment.has(variable.get('name').text() ?? ''),
    );
  return [
    ...bulk.map((from) => toUnread(from, null)),
    ...single.map((variable) => toUnread(variable, variable.get('name').text() ?? '')),
  ];
}
