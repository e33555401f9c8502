import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseManifests } from '../kube/object.ts';
import { patchExemplar } from './exemplar.ts';
import { formatPlace, type Rule, runRules, SEVERITIES } from './rule.ts';
import { LINT_RULES } from './rules.ts';
import { createInventory } from './workload.ts';

function find(patch: string, assumes: Rule['assumes'] = undefined): string[] {
  const inventory = createInventory(parseManifests(patchExemplar(patch), 'example'), assumes?.kubeMinor);
  return runRules(LINT_RULES, inventory)
    .filter(({ ignoredBecause }) => ignoredBecause === undefined)
    .map((diagnosis) => `${diagnosis.rule.id}: ${formatPlace(diagnosis)}: ${diagnosis.message}`);
}

describe('LINT_RULES', () => {
  test('find nothing in the exemplar', () => {
    assert.deepEqual(find(''), []);
  });

  for (const { id, bad, good, assumes } of LINT_RULES) {
    test(`${id} finds its bad example, alone, and nothing in its good one`, () => {
      const found = find(bad, assumes);
      assert.notEqual(found.length, 0, 'the bad example is found good');
      assert.deepEqual(
        found.filter((line) => !line.startsWith(`${id}: `)),
        [],
        'other rules find it too',
      );
      assert.deepEqual(find(good, assumes), []);
    });
  }

  test('have ids, texts and sources fit for docs', () => {
    assert.equal(new Set(LINT_RULES.map(({ id }) => id)).size, LINT_RULES.length);
    for (const rule of LINT_RULES) {
      assert.match(rule.id, /^[a-z]+(-[a-z]+)*$/);
      assert.ok(SEVERITIES.includes(rule.severity));
      assert.match(rule.source, /^https:\/\/kubernetes\.io\/docs\/[^\s]+$/);
      assert.ok(rule.lost.endsWith('.') || rule.lost.endsWith(')'), rule.lost);
      assert.ok(rule.fix.endsWith('.'), rule.fix);
      assert.ok(!rule.title.endsWith('.'), rule.title);
    }
  });
});
