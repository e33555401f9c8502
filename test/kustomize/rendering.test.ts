import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { COMPONENTS } from '../../generate/components.ts';
import { type Manifest, render, renderOverlay } from '../../generate/render.ts';
import { TOOLS, testWith } from '../tools.ts';

const testRender = testWith(TOOLS.renderer);
const testEdit = testWith(TOOLS.editor);
const TREE = join(import.meta.dirname, '../../kustomize');
const overlay = (name: string) => join(TREE, 'overlays', name);
const names = Object.keys(COMPONENTS);
const images = names.map((name) => ({ name, newName: name }));

describe('overlays', () => {
  for (const name of ['dev', 'prod']) {
    testRender(`${name} has the names that users know`, () => {
      const objects = render(overlay(name)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      for (const known of ['Deployment/microservice-deploy', 'Service/microservice-svc']) {
        assert.ok(objects.includes(known), `${known} is missing from ${objects.join(' ')}`);
      }
      assert.equal(toContainer(render(overlay(name))).name, 'microservice');
    });
  }

  testRender('a changed value renames the ConfigMap, and the container follows', () => {
    const [before, after] = ['20', '21'].map((value) =>
      renderOverlay({
        resources: ['overlays/dev'],
        configMapGenerator: [
          { name: 'microservice-config', behavior: 'merge', literals: [`MAX_RANDOM_NUMBER=${value}`] },
        ],
      }),
    );
    assert.ok(before !== undefined && after !== undefined);
    assert.notEqual(find(before, 'ConfigMap').metadata.name, find(after, 'ConfigMap').metadata.name);
    assert.deepEqual(toContainer(after).envFrom, [
      { configMapRef: { name: find(after, 'ConfigMap').metadata.name } },
    ]);
  });

  testRender('a ConfigMap stays immutable under the merge of an overlay', () => {
    for (const name of ['dev', 'prod'])
      assert.equal(find(render(overlay(name)), 'ConfigMap').immutable, true);
  });
});

/** Beside each: the least and most pods, what the container asks for, its limits, and its image. */
const PATCHED = {
  dev: {
    replicas: [1, 3],
    requests: { cpu: '100m', memory: '256Mi' },
    limits: { cpu: '1', memory: '256Mi' },
    image: 'microservice:dev',
  },
  prod: {
    replicas: [3, 10],
    requests: { cpu: '500m', memory: '256Mi' },
    limits: { cpu: '2', memory: '256Mi' },
    image: 'registry.example.com/microservice:0.1.0',
  },
} as const;

describe('what dev and prod patch over base', () => {
  for (const [name, { replicas, requests, limits, image }] of Object.entries(PATCHED)) {
    testRender(`${name} has its own pods, resources and image, whatever base has`, () => {
      withCopy((tree) => {
        edit(join(tree, 'base/hpa.yaml'), /(min|max)Replicas: \d+/g, '$1Replicas: 7');
        edit(join(tree, 'base/deployment.yaml'), /(cpu|memory): .*/g, '$1: 77');
        const manifests = render(join(tree, 'overlays', name));
        const { minReplicas, maxReplicas } = find(manifests, 'HorizontalPodAutoscaler').spec as {
          minReplicas: number;
          maxReplicas: number;
        };
        assert.deepEqual([minReplicas, maxReplicas], replicas);
        const { resources, image: rendered } = toContainer(manifests);
        assert.deepEqual(
          [resources.requests, resources.limits].map(({ cpu, memory }) => ({ cpu, memory })),
          [requests, limits],
        );
        assert.equal(rendered, image);
      });
    });
  }

  test('base names no image of its own, and no number of replicas', () => {
    const deployment = readFileSync(join(TREE, 'base/deployment.yaml'), 'utf8');
    assert.match(deployment, /^ +image: microservice$/m);
    assert.doesNotMatch(deployment, /^ *replicas:/m);
  });
});

describe('kustomize edit set image', () => {
  const cases = [
    ['a tag', 'registry.test/app:2.0.0', 'registry.test/app:2.0.0'],
    ['a digest', `registry.test/app@sha256:${'a'.repeat(64)}`, `registry.test/app@sha256:${'a'.repeat(64)}`],
    [
      'a tag and its digest',
      `registry.test/app:2.0.0@sha256:${'a'.repeat(64)}`,
      `registry.test/app:2.0.0@sha256:${'a'.repeat(64)}`,
    ],
  ] as const;
  for (const name of ['dev', 'prod']) {
    for (const [what, image, expected] of cases) {
      testEdit(`${what} reaches the container of ${name}`, () => {
        withCopy((tree) => {
          editImage(join(tree, 'overlays', name), image);
          assert.equal(toContainer(render(join(tree, 'overlays', name))).image, expected);
        });
      });
    }
  }

  testEdit('a new tag takes an older digest away', () => {
    withCopy((tree) => {
      const directory = join(tree, 'overlays/prod');
      editImage(directory, `registry.test/app:1.0.0@sha256:${'a'.repeat(64)}`);
      editImage(directory, 'registry.test/app:2.0.0');
      assert.equal(toContainer(render(directory)).image, 'registry.test/app:2.0.0');
    });
  });
});

describe('components', () => {
  test('the registry lists the directories', () => {
    assert.deepEqual([...names].sort(), readdirSync(join(TREE, 'components')).sort());
  });

  for (const name of names) {
    testRender(`${name} builds alone and changes what is rendered`, () => {
      const base = renderOverlay({ resources: ['base'], images });
      const withIt = renderOverlay({ resources: ['base'], components: [`components/${name}`], images });
      assert.notDeepEqual(withIt, base);
    });
  }

  for (const name of ['dev', 'prod']) {
    testRender(`${name} takes every component that it does not have`, () => {
      const used = readFileSync(join(overlay(name), 'kustomization.yaml'), 'utf8');
      const others = names.filter((other) => !used.includes(`components/${other}\n`));
      assert.ok(others.length > 0);
      const components = others.map((other) => `components/${other}`);
      assert.ok(renderOverlay({ resources: [`overlays/${name}`], components }).length > 0);
    });
  }
});

function find(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind);
  assert.ok(found !== undefined, `no ${kind} is rendered`);
  return found;
}

interface Container {
  name: string;
  image: string;
  envFrom: unknown;
  resources: Record<'requests' | 'limits', Record<string, string>>;
}

function toContainer(manifests: readonly Manifest[]): Container {
  const { spec } = find(manifests, 'Deployment') as unknown as {
    spec: { template: { spec: { containers: Container[] } } };
  };
  const [container] = spec.template.spec.containers;
  assert.ok(container !== undefined);
  return container;
}

/** Runs the body on a copy of the tree, for edits. */
function withCopy(body: (tree: string) => void): void {
  const tree = mkdtempSync(join(tmpdir(), 'kustomize-'));
  try {
    cpSync(TREE, tree, { recursive: true });
    body(tree);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function edit(path: string, pattern: RegExp, text: string): void {
  const before = readFileSync(path, 'utf8');
  const after = before.replace(pattern, text);
  assert.notEqual(after, before, `${path} has nothing to edit`);
  writeFileSync(path, after);
}

function editImage(directory: string, image: string): void {
  const [program, ...args] = TOOLS.editor.command ?? ['kustomize', 'edit'];
  const run = spawnSync(program, [...args, 'set', 'image', `microservice=${image}`], {
    cwd: directory,
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stderr);
}
