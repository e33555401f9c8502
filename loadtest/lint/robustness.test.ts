import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { parseManifests } from '../kube/object.ts';
import { patchExemplar } from './exemplar.ts';
import { formatJson, formatSarif, formatText } from './report.ts';
import { runRules } from './rule.ts';
import { LINT_RULES } from './rules.ts';
import { createInventory } from './workload.ts';

type Path = (string | number)[];

/** Every place in a value, the whole included. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  const keys = Array.isArray(value)
    ? [...value.keys()]
    : Object.keys(Object(value) === value ? (value as object) : {});
  return [
    path,
    ...keys.flatMap((key) => pathsOf((value as Record<string | number, unknown>)[key], [...path, key])),
  ];
}

function replaceAt(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaceAt(copy[key], rest, replacement);
  return copy;
}

const EVERYTHING = patchExemplar(LINT_RULES.map(({ bad }) => bad).join('---\n'));

describe('the rules and reports', () => {
  test('take any value in any place', () => {
    const objects = parseAllDocuments(EVERYTHING).map((document) => document.toJS());
    const places = pathsOf(objects).slice(1);
    assert.ok(places.length > 150, `only ${places.length} places`);
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const documents = replaceAt(objects, path, value) as unknown[];
        const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
        const inventory = createInventory(parseManifests(text, 'any.yaml'), 29);
        const diagnoses = runRules(LINT_RULES, inventory);
        const report = { inventory, rules: LINT_RULES, diagnoses, unseen: [] };
        for (const format of [formatText, formatJson, formatSarif]) assert.ok(format(report).length > 0);
        for (const { object, field } of diagnoses) assert.ok((object.locate(field)?.line ?? 0) >= 1);
      }),
      { numRuns: 200 },
    );
  });
});
