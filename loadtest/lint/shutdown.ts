import { DRAIN_SETTINGS, parseSeconds, type Stage } from './drain-setting.ts';
import type { Field } from './field.ts';
import type { KubeObject } from './manifest.ts';
import type { Inventory, Workload } from './workload.ts';

/** Undefined where a manifest cannot tell how long it takes. */
interface PreStop {
  readonly field: Field;
  readonly seconds: number | undefined;
}

/** How one container shuts down, as far as the manifests tell. */
export interface Shutdown {
  readonly preStop: PreStop | undefined;
  /** By the settings of servers that we know; undefined where none is given. */
  readonly lameDuckSeconds: number | undefined;
  readonly drainSeconds: number | undefined;
  /**
   * From the deletion of the pod until the container stops accepting connections; undefined where a hook or an
   * unreadable value hides it.
   */
  readonly acceptsSeconds: number | undefined;
}

export function toShutdown(inventory: Inventory, workload: Workload, container: Field): Shutdown {
  const preStop = toPreStop(container.get('lifecycle', 'preStop'));
  const lameDuckSeconds = settingSeconds(inventory, workload, container, 'lameDuck');
  const drainSeconds = settingSeconds(inventory, workload, container, 'drain');
  const preStopSeconds = preStop === undefined ? 0 : preStop.seconds;
  return {
    preStop,
    lameDuckSeconds,
    drainSeconds,
    acceptsSeconds: preStopSeconds === undefined ? undefined : preStopSeconds + (lameDuckSeconds ?? 0),
  };
}

function toPreStop(hook: Field): PreStop | undefined {
  if (!hook.exists) return undefined;
  const sleep = hook.get('sleep');
  if (sleep.exists) return { field: hook, seconds: sleep.get('seconds').number() ?? 0 };
  const command = commandText(hook.get('exec', 'command'));
  return { field: hook, seconds: command === '' ? undefined : sleepSeconds(command) };
}

/** The sum of the `sleep`s in a command line. */
function sleepSeconds(command: string): number | undefined {
  const sleeps = [...command.matchAll(/(?:^|[\s/;&|])sleep\s+(\d+(?:\.\d+)?)([smh]?)(?=$|[\s;&|)])/g)];
  if (sleeps.length === 0) return undefined;
  const seconds = sleeps.map(([, amount = '', unit]) => parseSeconds(`${amount}${unit || 's'}`, 's') ?? 0);
  return seconds.reduce((sum, each) => sum + each, 0);
}

export function commandText(command: Field): string {
  return command
    .items()
    .map((part) => String(part.scalar() ?? ''))
    .join(' ');
}

/** The longest of the settings for a stage, should several be given. */
function settingSeconds(
  inventory: Inventory,
  workload: Workload,
  container: Field,
  stage: Stage,
): number | undefined {
  const given = {
    env: [...toEnvironment(inventory.objects, workload.object.namespace, container)],
    flag: toFlags(container),
  };
  const seconds = DRAIN_SETTINGS.filter((setting) => setting.stage === stage).flatMap(
    ({ name, from, unit }) =>
      given[from].flatMap(([key, text]) => (name.test(key) ? [parseSeconds(text, unit) ?? 0] : [])),
  );
  return seconds.length === 0 ? undefined : Math.max(...seconds);
}

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
    const value =
      variable.get('value').text() ??
      configMap(reference.get('name').text())
        ?.root.get('data', reference.get('key').text() ?? '')
        .text();
    if (value !== undefined) environment.set(variable.get('name').text() ?? '', value);
  }
  return environment;
}

/** `--name=value` and `--name value` in the command and the arguments of a container, without the dashes. */
function toFlags(container: Field): [string, string][] {
  const words = ['command', 'args'].flatMap((key) =>
    container
      .get(key)
      .items()
      .map((word) => String(word.scalar() ?? '')),
  );
  return words.flatMap((word, index): [string, string][] => {
    const [, name, value] = /^--?([A-Za-z][\w.-]*)(?:=(.*))?$/.exec(word) ?? [];
    return name === undefined ? [] : [[name, value ?? words[index + 1] ?? '']];
  });
}
