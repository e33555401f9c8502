import { hasPorts, isSidecar } from '../kube/container.ts';
import { toEnvironment } from '../kube/environment.ts';
import type { Field } from '../kube/field.ts';
import type { KubeObject } from '../kube/object.ts';
import { type PreStop, toPreStop } from '../kube/pre-stop.ts';
import { DRAIN_SETTINGS, type DrainStage, parseSeconds } from './drain-setting.ts';
import type { Inventory, Workload } from './workload.ts';

/** How one container shuts down, as far as the manifests show. */
export interface Shutdown {
  readonly preStop: PreStop;
  /** The least length of preStop; undefined where there is no hook, or its length is not known. */
  readonly preStopSeconds: number | undefined;
  /** From known server settings; undefined where none is set. */
  readonly lameDuckSeconds: number | undefined;
  readonly drainSeconds: number | undefined;
  /**
   * From the deletion of the pod until the container stops accepting connections; undefined where a hook or an
   * unreadable value hides it.
   */
  readonly acceptsSeconds: number | undefined;
}

export function toShutdown(inventory: Inventory, workload: Workload, container: Field): Shutdown {
  const preStop = toPreStop(container);
  const preStopSeconds = toPreStopSeconds(preStop);
  const lameDuckSeconds = settingSeconds(inventory, workload, container, 'lameDuck');
  const drainSeconds = settingSeconds(inventory, workload, container, 'drain');
  const untilSigterm = preStop.kind === 'none' ? 0 : preStopSeconds;
  const ownEndMs = preStop.kind === 'none' ? null : preStop.endsServerAfterMs;
  return {
    preStop,
    preStopSeconds,
    lameDuckSeconds,
    drainSeconds,
    acceptsSeconds:
      ownEndMs !== null
        ? ownEndMs / 1_000
        : untilSigterm === undefined
          ? undefined
          : untilSigterm + (lameDuckSeconds ?? 0),
  };
}

function toPreStopSeconds(preStop: PreStop): number | undefined {
  if (preStop.kind === 'none') return undefined;
  if (preStop.kind === 'known') return preStop.ms / 1_000;
  return preStop.atLeastMs === 0 ? undefined : preStop.atLeastMs / 1_000;
}

/**
 * The containers that must go on accepting after the pod’s deletion. A sidecar that is an init container gets its
 * SIGTERM only when the other containers have ended, so what it stands in front of is gone once they are.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#termination
 */
export function toAccepting({ containers, serving }: Workload): readonly Field[] {
  const own = serving.filter((container) => !isSidecar(container));
  if (own.length === serving.length) return serving;
  const others = containers.filter((container) => !isSidecar(container));
  const open = others.filter((container) => own.includes(container) || hasPorts(container));
  return open.length > 0 ? open : others;
}

export function commandText(command: Field): string {
  return command
    .items()
    .map((part) => String(part.scalar() ?? ''))
    .join(' ');
}

/** The longest of the settings for a stage, if several are set. */
function settingSeconds(
  inventory: Inventory,
  workload: Workload,
  container: Field,
  stage: DrainStage,
): number | undefined {
  const given = {
    env: [...toEnvironment(inventory.objects, workload.object.namespace, container)],
    flag: toFlags(container),
    file: toMountedWords(inventory.objects, workload, container),
  };
  const seconds = DRAIN_SETTINGS.filter((setting) => setting.stage === stage).flatMap(
    ({ name, from, unit }) =>
      given[from].flatMap(([key, text]) => (name.test(key) ? [parseSeconds(text, unit) ?? 0] : [])),
  );
  return seconds.length === 0 ? undefined : Math.max(...seconds);
}

/** `--name=value` and `--name value` in the command and the arguments of a container, without the dashes. */
function toFlags(container: Field): [string, string][] {
  const words = ['command', 'args'].flatMap((key) =>
    container
      .get(key)
      .items()
      // A shell script has its flags inside one argument.
      .flatMap((word) => String(word.scalar() ?? '').split(/\s+/)),
  );
  return words.flatMap((word, index): [string, string][] => {
    const [, name, value] = /^--?([A-Za-z][\w.-]*)(?:=(.*))?$/.exec(word) ?? [];
    return name === undefined ? [] : [[name, value ?? words[index + 1] ?? '']];
  });
}

/** Each word of the files that a container mounts from ConfigMaps in the input, with the word after it. */
function toMountedWords(
  objects: readonly KubeObject[],
  { object, pod }: Workload,
  container: Field,
): [string, string][] {
  const mounted = new Set(
    container
      .get('volumeMounts')
      .items()
      .map((mount) => mount.get('name').text()),
  );
  const names = mountedConfigMaps(pod, (volume) => mounted.has(volume));
  return objects
    .filter(
      ({ kind, name, namespace }) =>
        kind === 'ConfigMap' && names.includes(name) && namespace === object.namespace,
    )
    .flatMap(({ root }) => [...root.get('data').texts().values()])
    .flatMap((text) => {
      const words = text.split(/\s+/);
      return words.map((word, index): [string, string] => [word, words[index + 1] ?? '']);
    });
}

/** The ConfigMaps of a pod’s volumes. */
export function mountedConfigMaps(pod: Field, isWanted: (volume: string) => boolean): string[] {
  return pod
    .get('volumes')
    .items()
    .filter((volume) => isWanted(volume.get('name').text() ?? ''))
    .flatMap((volume) => [volume, ...volume.get('projected', 'sources').items()])
    .flatMap((source) => source.get('configMap', 'name').text() ?? []);
}
