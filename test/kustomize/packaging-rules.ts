import { toEnvironment } from '../../loadtest/kube/environment.ts';
import type { Field } from '../../loadtest/kube/field.ts';
import type { Rule } from '../../loadtest/lint/rule.ts';
import { toShutdown } from '../../loadtest/lint/shutdown.ts';
import { type Inventory, isWorkload } from '../../loadtest/lint/workload.ts';
import { type Config, ConfigError, parseConfig, SETTINGS } from '../../src/config.ts';
import { HARD_EXIT_RESERVE_MS } from '../../src/shutdown.ts';

/** What clusters run of earlier versions, and must not be contradicted. */
export interface Released {
  /** `Deployment/name` → its selector's labels, which no apply can change. */
  readonly selectors: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Digest → the image and tag that it is. */
  readonly images: Readonly<Record<string, string>>;
}

/** For the kubelet to see the exit, and for the log to be read. */
const EXIT_SECONDS = 3;

const VARIABLES: readonly string[] = Object.values(SETTINGS).map(({ variable }) => variable);

/** What our own manifests must keep beyond what is true of anybody's. */
export function createPackagingRules({ selectors, images }: Released): readonly Rule[] {
  return [
    {
      id: 'selector-changed',
      severity: 'error',
      title: 'A selector is not that of the released versions',
      lost: 'Selectors are immutable: the apply is refused, or the Deployment is deleted and made anew, with every request in between.',
      fix: 'Keep the selector. Other labels go through `labels:` with includeTemplates, never includeSelectors. A new workload is added to test/kustomize/released.json.',
      source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates',
      check: ({ objects }) =>
        objects.filter(isWorkload).flatMap((object) => {
          const field = object.root.get('spec', 'selector');
          const known = selectors[`${object.kind}/${object.name}`];
          const message =
            known === undefined
              ? `${object.kind}/${object.name} is not in released.json`
              : `was ${JSON.stringify({ matchLabels: known })}`;
          const isKept = known !== undefined && isSameMap(field.get('matchLabels').texts(), known);
          return isKept && !field.get('matchExpressions').exists ? [] : [{ object, field, message }];
        }),
      bad: `
kind: Deployment
spec: { selector: { matchLabels: { app: web, version: v2 } } }
`,
      good: `
kind: Deployment
metadata: { labels: { version: v2 } }
spec: { template: { metadata: { labels: { version: v2 } } } }
`,
    },
    {
      id: 'shutdown-reserve',
      severity: 'error',
      title: 'The grace period has no reserve for what the service does at its end',
      lost: 'The kubelet kills the service before its own deadline: requests in flight are cut, and the final log line that would account for them is lost.',
      fix: `Let terminationGracePeriodSeconds be at least preStop + LAME_DUCK_MS + DRAIN_TIMEOUT_MS + ${HARD_EXIT_RESERVE_MS / 1_000} s until the service ends itself + ${EXIT_SECONDS} s.`,
      source: 'https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination',
      check: (inventory) =>
        forEachConfig(inventory, ({ object, container, config, preStopSeconds, grace }) => {
          if (config instanceof ConfigError) return [];
          const ownSeconds = (config.lameDuckMs + config.drainTimeoutMs + HARD_EXIT_RESERVE_MS) / 1_000;
          const needed = preStopSeconds + ownSeconds + EXIT_SECONDS;
          if ((grace.number() ?? 30) >= needed) return [];
          return [
            {
              object,
              field: grace,
              message: `is ${grace.number() ?? 30}, and ${container.get('name').text()} needs ${needed}: ${preStopSeconds} preStop + ${ownSeconds} service + ${EXIT_SECONDS}`,
            },
          ];
        }),
      bad: `
kind: Deployment
spec: { template: { spec: { terminationGracePeriodSeconds: 44 } } }
`,
      good: `
kind: Deployment
spec: { template: { spec: { terminationGracePeriodSeconds: 45 } } }
`,
    },
    {
      id: 'config-refused',
      severity: 'error',
      title: 'The configuration is one that the service refuses, or does not know',
      lost: 'The service ends at its start (exit 78): a rollout stands still with the old version serving. A name that it does not know has no effect at all.',
      fix: 'Correct the value or the name; the README lists all variables with their ranges.',
      source: 'https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/',
      check: (inventory) =>
        forEachConfig(inventory, ({ object, container, config, environment }) => [
          ...(config instanceof ConfigError ? config.faults : []).map((message) => ({
            object,
            field: container,
            message,
          })),
          ...[...environment.keys()]
            .filter((name) => !VARIABLES.includes(name))
            .map((name) => ({ object, field: container, message: `the service reads no ${name}` })),
        ]),
      bad: `
kind: Deployment
spec: { template: { spec: { containers: [{ name: web, env: [{ name: LAME_DUCK_MS, value: 2s }] }] } } }
`,
      good: `
kind: Deployment
spec: { template: { spec: { containers: [{ name: web, env: [{ name: LOG_LEVEL, value: debug }] }] } } }
`,
    },
    {
      id: 'image-placeholder',
      severity: 'error',
      title: 'An image is still the placeholder of the base',
      lost: 'No registry has it: new pods never start, and a rollout stands still with the old version serving.',
      fix: 'In the overlay: kustomize edit set image NAME=REGISTRY/NAME:TAG.',
      source: 'https://kubernetes.io/docs/tasks/manage-kubernetes-objects/kustomization/',
      check: (inventory) =>
        forEachImage(inventory, (field, image) =>
          image === '' || /[:@]/.test(image)
            ? []
            : [{ field, message: `is ${JSON.stringify(image)}, without tag or digest` }],
        ),
      bad: `
kind: Deployment
spec: { template: { spec: { containers: [{ name: web, image: web }] } } }
`,
      good: `
kind: Deployment
spec: { template: { spec: { containers: [{ name: web, image: "web:dev" }] } } }
`,
    },
    {
      id: 'image-stale-digest',
      severity: 'error',
      title: 'A tag stands beside the digest of another image',
      lost: 'The digest wins: the rollout reports success and ships the old version.',
      fix: 'Set both at once: kustomize edit set image NAME=REGISTRY/NAME:TAG@DIGEST, and add the pair to `images` of test/kustomize/released.json.',
      source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
      check: (inventory) =>
        forEachImage(inventory, (field, image) => {
          const [, tagged, digest] = /^(.+:[^/@]+)@(sha256:[0-9a-f]+)$/.exec(image) ?? [];
          if (tagged === undefined || digest === undefined || images[digest] === tagged) return [];
          const message =
            images[digest] === undefined
              ? `add ${JSON.stringify(digest)}: ${JSON.stringify(tagged)} to released.json, if they belong together`
              : `${digest} is ${images[digest]}, not ${tagged}`;
          return [{ field, message }];
        }),
      bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.com/web:2.0.0@sha256:${'a'.repeat(64)} # that of 1.0.0
`,
      good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.0.0@sha256:${'a'.repeat(64)}
`,
    },
  ];
}

interface Configured {
  readonly object: Inventory['objects'][number];
  readonly container: Field;
  readonly environment: ReadonlyMap<string, string>;
  readonly config: Config | ConfigError;
  readonly preStopSeconds: number;
  readonly grace: Field;
}

/** Each container behind a Service, with the configuration that the service would read there. */
function forEachConfig(
  inventory: Inventory,
  check: (configured: Configured) => ReturnType<Rule['check']>,
): ReturnType<Rule['check']> {
  const served = inventory.workloads.filter(({ services }) => services.length > 0);
  return served.flatMap((workload) =>
    workload.serving.flatMap((container) => {
      const environment = toEnvironment(inventory.objects, workload.object.namespace, container);
      return check({
        object: workload.object,
        container,
        environment,
        config: toConfig(environment),
        preStopSeconds: toShutdown(inventory, workload, container).preStopSeconds ?? 0,
        grace: workload.pod.get('terminationGracePeriodSeconds'),
      });
    }),
  );
}

function toConfig(environment: ReadonlyMap<string, string>): Config | ConfigError {
  try {
    return parseConfig(Object.fromEntries(environment));
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function forEachImage(
  { objects }: Inventory,
  check: (field: Field, image: string) => readonly { field: Field; message: string }[],
): ReturnType<Rule['check']> {
  return objects.filter(isWorkload).flatMap((object) =>
    ['initContainers', 'containers']
      .flatMap((key) => object.root.get('spec', 'template', 'spec', key).items())
      .map((container) => container.get('image'))
      .flatMap((field) => check(field, field.text() ?? '').map((finding) => ({ object, ...finding }))),
  );
}

function isSameMap(map: ReadonlyMap<string, string>, record: Readonly<Record<string, string>>): boolean {
  return map.size === Object.keys(record).length && [...map].every(([key, value]) => record[key] === value);
}
