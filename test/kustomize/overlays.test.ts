import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { COMPONENTS } from '../../generate/components.ts';
import { type Manifest, renderOverlay } from '../../generate/render.ts';
import { type KubeObject, parseManifests } from '../../loadtest/kube/object.ts';
import { formatPlace, runRules } from '../../loadtest/lint/rule.ts';
import { LINT_RULES } from '../../loadtest/lint/rules.ts';
import { createInventory } from '../../loadtest/lint/workload.ts';
import { TOOLS, testWith } from '../tools.ts';
import { createPackagingRules, type Released } from './packaging-rules.ts';

const testRender = testWith(TOOLS.renderer);
const released: Released = JSON.parse(readFileSync(join(import.meta.dirname, 'released.json'), 'utf8'));
const RULES = [...LINT_RULES, ...createPackagingRules(released)];

function toObjects(manifests: readonly Manifest[]): readonly KubeObject[] {
  const text = manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
  return parseManifests(text, 'kustomize', true);
}

/** What the overlays map only where a component stands in them itself. */
const IMAGES = [{ name: 'dropless', newTag: '0.1.0' }];

/** What the rules find, without what an annotation sets aside. */
function find(objects: readonly KubeObject[]): string[] {
  const inventory = createInventory(objects);
  const served = inventory.workloads.filter(({ services }) => services.length > 0);
  assert.equal(served.length, 1, 'no workload is rendered that a Service leads to');
  return runRules(RULES, inventory)
    .filter(({ ignoredBecause }) => ignoredBecause === undefined)
    .map((diagnosis) => `${diagnosis.rule.id}: ${formatPlace(diagnosis)}: ${diagnosis.message}`);
}

function subsets(names: readonly string[]): string[][] {
  const sets = Array.from({ length: 2 ** names.length }, (_, set) => set);
  return sets.map((set) => names.filter((_, bit) => (set >> bit) % 2 === 1));
}

/** By kind and name. */
type Rendered = ReadonlyMap<string, Manifest>;

function renderWith(overlay: string, components: readonly string[]): Rendered {
  const manifests = renderOverlay({
    resources: [`overlays/${overlay}`],
    components: components.map((component) => `components/${component}`),
    images: IMAGES,
  });
  return new Map(manifests.map((manifest) => [`${manifest.kind}/${manifest.metadata.name}`, manifest]));
}

/** What is there only afterwards; null: something that was there before is not as it was. */
function toAdded(before: Rendered, after: Rendered): Rendered | null {
  const isKept = [...before].every(([key, manifest]) => isDeepStrictEqual(after.get(key), manifest));
  return isKept ? new Map([...after].filter(([key]) => !before.has(key))) : null;
}

/**
 * Most components only add objects, whatever else is there. Then the objects of a set are those that each of them adds,
 * and not every set has to be rendered: that takes minutes.
 */
describe('the rules find nothing', () => {
  for (const name of ['dev', 'prod']) {
    const used = readFileSync(
      join(import.meta.dirname, '../../kustomize/overlays', name, 'kustomization.yaml'),
      'utf8',
    );
    const others = Object.keys(COMPONENTS).filter((component) => !used.includes(`components/${component}\n`));
    testRender(`in ${name} with each set of ${others.join(', ')}`, () => {
      // In the order of the registry: a component changes what those before it made.
      const renderSet = (...set: readonly string[]) =>
        renderWith(
          name,
          others.filter((other) => set.includes(other)),
        );
      const alone = renderSet();
      const changing = others.filter((other) => toAdded(alone, renderSet(other)) === null);
      const adding = others.filter((other) => !changing.includes(other));
      for (const changes of subsets(changing)) {
        const before = renderSet(...changes);
        const added = adding.map((component) => {
          const own = toAdded(before, renderSet(...changes, component));
          assert.ok(own !== null, `${component} changes what ${changes.join(', ')} made`);
          return [component, own] as const;
        });
        const sum = new Map([...before, ...added.flatMap(([, own]) => [...own])]);
        assert.deepEqual(renderSet(...changes, ...adding), sum, 'the components change one another');
        const objects = toObjects([...before.values()]);
        const ownObjects = new Map(
          added.map(([component, own]) => [component, toObjects([...own.values()])]),
        );
        for (const chosen of subsets(adding)) {
          const found = find([...objects, ...chosen.flatMap((component) => ownObjects.get(component) ?? [])]);
          assert.deepEqual(found, [], [...changes, ...chosen].join(', '));
        }
      }
    });
  }
});

describe('the rules find', () => {
  testRender('the placeholder where an overlay names no image', () => {
    const found = find(toObjects(renderOverlay({ resources: ['base'] })));
    assert.match(
      found.join('\n'),
      /^image-placeholder: Deployment\/microservice-deploy .*: is "microservice"/m,
    );
  });

  testRender('a value in the ConfigMap that the service refuses', () => {
    const configMapGenerator = [
      { name: 'microservice-config', behavior: 'merge', literals: ['DRAIN_TIMEOUT_MS=soon'] },
    ];
    const found = find(toObjects(renderOverlay({ resources: ['overlays/prod'], configMapGenerator })));
    assert.match(
      found.join('\n'),
      /^config-refused: .*: DRAIN_TIMEOUT_MS is "soon": expected a whole number/m,
    );
  });

  testRender('a drain in the ConfigMap that outlasts the grace period', () => {
    const configMapGenerator = [
      { name: 'microservice-config', behavior: 'merge', literals: ['DRAIN_TIMEOUT_MS=26000'] },
    ];
    const found = find(toObjects(renderOverlay({ resources: ['overlays/prod'], configMapGenerator })));
    assert.match(found.join('\n'), /^shutdown-reserve: .*: is 45, and microservice needs 46/m);
  });

  testRender('a label that got into the selector', () => {
    const found = find(
      toObjects(
        renderOverlay({
          resources: ['overlays/prod'],
          labels: [{ pairs: { environment: 'test' }, includeSelectors: true }],
        }),
      ),
    );
    assert.match(found.join('\n'), /^selector-changed: Deployment\/microservice-deploy /m);
  });

  testRender('an autoscaler that outgrows the quota', () => {
    const found = find(
      toObjects(
        renderOverlay({
          resources: ['overlays/prod'],
          components: ['components/tenancy'],
          patches: [
            {
              target: { kind: 'HorizontalPodAutoscaler' },
              patch: '[{ "op": "replace", "path": "/spec/maxReplicas", "value": 30 }]',
            },
          ],
        }),
      ),
    );
    assert.match(found.join('\n'), /^quota-no-room: ResourceQuota\/microservice-quota spec\.hard\.pods: /m);
  });
});

test('released.json holds selectors and images', () => {
  assert.ok(Object.keys(released.selectors).length > 0);
  for (const [digest, image] of Object.entries(released.images)) {
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.match(image, /^\S+:[^/:\s]+$/);
  }
});
