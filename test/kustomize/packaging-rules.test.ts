import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseManifests } from '../../loadtest/kube/object.ts';
import { patchExemplar } from '../../loadtest/lint/exemplar.ts';
import { formatPlace, type Rule, runRules } from '../../loadtest/lint/rule.ts';
import { LINT_RULES } from '../../loadtest/lint/rules.ts';
import { createInventory } from '../../loadtest/lint/workload.ts';
import { createPackagingRules } from './packaging-rules.ts';

const RULES: readonly Rule[] = createPackagingRules({
  selectors: { 'Deployment/web': { app: 'web' } },
  images: { [`sha256:${'a'.repeat(64)}`]: 'registry.example.com/web:1.0.0' },
});

function find(patch: string): string[] {
  const inventory = createInventory(parseManifests(patchExemplar(patch), 'example'));
  return runRules(RULES, inventory).map(
    (diagnosis) => `${diagnosis.rule.id}: ${formatPlace(diagnosis)}: ${diagnosis.message}`,
  );
}

describe('the checks of the packaging', () => {
  test('find nothing in the exemplar', () => {
    assert.deepEqual(find(''), []);
  });

  for (const { id, bad, good } of RULES) {
    test(`${id} finds its bad example, alone, and nothing in its good one`, () => {
      const found = find(bad);
      assert.notEqual(found.length, 0, 'the bad example is found good');
      assert.deepEqual(
        found.filter((line) => !line.startsWith(`${id}: `)),
        [],
        'other rules find it too',
      );
      assert.deepEqual(find(good), []);
    });
  }

  test('have ids of their own', () => {
    const ids = [...LINT_RULES, ...RULES].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
  });

  const faults: readonly (readonly [string, string, RegExp])[] = [
    [
      'a workload that nobody released',
      'kind: Deployment\nmetadata: { name: other }\napiVersion: apps/v1',
      /^selector-changed: Deployment\/other spec\.selector: Deployment\/other is not in released\.json$/m,
    ],
    [
      'an expression in a selector',
      'kind: Deployment\nspec: { selector: { matchExpressions: [{ key: a, operator: Exists }] } }',
      /^selector-changed: .* was \{"matchLabels":\{"app":"web"\}\}$/m,
    ],
    [
      'a value out of range, named with its range',
      'kind: Deployment\nspec: { template: { spec: { containers: [{ name: web, env: [{ name: PORT, value: "70000" }] }] } } }',
      /PORT is "70000": expected a whole number from 0 to 65535$/m,
    ],
    [
      'a variable that the service does not read',
      'kind: Deployment\nspec: { template: { spec: { containers: [{ name: web, env: [{ name: LAME_DUCK, value: "2" }] }] } } }',
      /^config-refused: .*: the service reads no LAME_DUCK$/m,
    ],
    [
      'a grace period that is short because of a default of the service',
      'kind: Deployment\nspec: { template: { spec: { terminationGracePeriodSeconds: 44, containers: [{ name: web, env: [{ name: LAME_DUCK_MS, value: "" }] }] } } }',
      /is 44, and web needs 45: 10 preStop \+ 32 service \+ 3$/m,
    ],
    [
      'a digest that nobody recorded',
      `kind: Deployment\nspec: { template: { spec: { containers: [{ name: web, image: "web:1@sha256:${'b'.repeat(64)}" }] } } }`,
      /^image-stale-digest: .*: add "sha256:b+": "web:1" to released\.json/m,
    ],
  ];
  for (const [what, patch, expected] of faults) {
    test(`name ${what}`, () => assert.match(find(patch).join('\n'), expected));
  }
});
