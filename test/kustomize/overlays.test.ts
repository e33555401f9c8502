import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { COMPONENTS } from '../../generate/components.ts';
import { type Manifest, renderOverlay } from '../../generate/render.ts';
import { parseManifests } from '../../loadtest/kube/object.ts';
import { formatPlace, runRules } from '../../loadtest/lint/rule.ts';
import { LINT_RULES } from '../../loadtest/lint/rules.ts';
import { createInventory, type Inventory } from '../../loadtest/lint/workload.ts';
import { TOOLS, testWith } from '../tools.ts';
import { createPackagingRules, type Released } from './packaging-rules.ts';

const testRender = testWith(TOOLS.renderer);
const released: Released = JSON.parse(readFileSync(join(import.meta.dirname, 'released.json'), 'utf8'));
const RULES = [...LINT_RULES, ...createPackagingRules(released)];

function toInventory(manifests: readonly Manifest[]): Inventory {
  const text = manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
  return createInventory(parseManifests(text, 'kustomize', true));
}

/** What the overlays map only where a component stands in them itself. */
const IMAGES = [{ name: 'dropless', newTag: '0.1.0' }];

/** What the rules find, without what an annotation sets aside. */
function find(manifests: readonly Manifest[]): string[] {
  const inventory = toInventory(manifests);
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

describe('the rules find nothing', () => {
  for (const name of ['dev', 'prod']) {
    const used = readFileSync(
      join(import.meta.dirname, '../../kustomize/overlays', name, 'kustomization.yaml'),
      'utf8',
    );
    const others = Object.keys(COMPONENTS).filter((component) => !used.includes(`components/${component}\n`));
    for (let size = 0; size <= others.length; size += 1) {
      testRender(`in ${name} with each set of ${size} of ${others.join(', ')}`, () => {
        for (const chosen of subsets(others).filter(({ length }) => length === size)) {
          const components = chosen.map((component) => `components/${component}`);
          const found = find(renderOverlay({ resources: [`overlays/${name}`], components, images: IMAGES }));
          assert.deepEqual(found, [], chosen.join(', '));
        }
      });
    }
  }
});

describe('the rules find', () => {
  testRender('the placeholder where an overlay names no image', () => {
    const found = find(renderOverlay({ resources: ['base'] }));
    assert.match(
      found.join('\n'),
      /^image-placeholder: Deployment\/microservice-deploy .*: is "microservice"/m,
    );
  });

  testRender('a value in the ConfigMap that the service refuses', () => {
    const configMapGenerator = [
      { name: 'microservice-config', behavior: 'merge', literals: ['DRAIN_TIMEOUT_MS=soon'] },
    ];
    const found = find(renderOverlay({ resources: ['overlays/prod'], configMapGenerator }));
    assert.match(
      found.join('\n'),
      /^config-refused: .*: DRAIN_TIMEOUT_MS is "soon": expected a whole number/m,
    );
  });

  testRender('a drain in the ConfigMap that outlasts the grace period', () => {
    const configMapGenerator = [
      { name: 'microservice-config', behavior: 'merge', literals: ['DRAIN_TIMEOUT_MS=26000'] },
    ];
    const found = find(renderOverlay({ resources: ['overlays/prod'], configMapGenerator }));
    assert.match(found.join('\n'), /^shutdown-reserve: .*: is 45, and microservice needs 46/m);
  });

  testRender('a label that got into the selector', () => {
    const found = find(
      renderOverlay({
        resources: ['overlays/prod'],
        labels: [{ pairs: { environment: 'test' }, includeSelectors: true }],
      }),
    );
    assert.match(found.join('\n'), /^selector-changed: Deployment\/microservice-deploy /m);
  });

  testRender('an autoscaler that outgrows the quota', () => {
    const found = find(
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
