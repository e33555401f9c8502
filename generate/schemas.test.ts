import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseManifests } from '../loadtest/kube/object.ts';
import { formatJson } from '../loadtest/lint/report.ts';
import { runRules } from '../loadtest/lint/rule.ts';
import { LINT_RULES } from '../loadtest/lint/rules.ts';
import { createInventory } from '../loadtest/lint/workload.ts';
import { formatProofReport } from '../loadtest/proof/proof-report.ts';
import { compareRuns, formatComparisonJson } from '../loadtest/report/comparison.ts';
import { formatRunReport } from '../loadtest/report/report.ts';
import { toFindings } from '../loadtest/report/summary.ts';
import { createSampleProof } from '../test/fixtures/sample-proof.ts';
import { createSampleReport } from '../test/fixtures/sample-report.ts';
import { SCHEMAS, toSchemaPath } from './schemas.ts';

const MANIFEST = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: { dropless/ignore.readiness-probe: it has none }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
`;

function lint(): string {
  const inventory = createInventory(parseManifests(MANIFEST, 'web.yaml'));
  const rules = LINT_RULES;
  return formatJson({ inventory, rules, diagnoses: runRules(rules, inventory), unseen: ['secrets'] });
}

const run = createSampleReport();
const names = { old: 'old.json', new: 'new.json' };
/** One of each report, as it is written. */
const REPORTS: Readonly<Record<string, string>> = {
  'dropless.run/1': formatRunReport(run, toFindings(run)),
  'dropless.proof/4': formatProofReport({ proofs: [createSampleProof()], controls: [], cutShort: null }),
  'dropless.comparison/1': formatComparisonJson(compareRuns(run, createSampleReport({ lost: 9 }), names)),
  'dropless.lint/1': lint(),
};

/** Data are the keys there, and any may be missing. */
const BY_DATA = /\.(outcomes|endings|causes|expectedLosses)\.[^.]+$/;
/** What a report may lack. */
const OPTIONAL = /^findings\.\d+\.(line|column|ignoredBecause)$/;

for (const schema of SCHEMAS) {
  const id = String(schema.title);
  const written = REPORTS[id];
  // A report of lines is held to its schema beside its own module.
  if (written === undefined) continue;
  describe(`${id}, as ${toSchemaPath(schema)} describes it`, () => {
    const isValid = new Ajv2020({ strict: true, strictTypes: false }).compile(schema);
    const report: unknown = JSON.parse(written);

    test('is what is written', () => assert.ok(isValid(report), JSON.stringify(isValid.errors)));

    test('is no report where a key is missing', () => {
      const accepted = listPaths(report).filter((path) => {
        const copy = structuredClone(report);
        const { parent, key } = locate(copy, path);
        if (Array.isArray(parent)) return false;
        delete parent[key];
        return isValid(copy) && !BY_DATA.test(`.${path.join('.')}`) && !OPTIONAL.test(path.join('.'));
      });
      assert.deepEqual(accepted, []);
    });

    test('is no report where a value is of another kind', () => {
      const paths = listPaths(report);
      assert.ok(paths.length > 25, `${paths.length} values`);
      const accepted = paths.filter((path) => {
        const copy = structuredClone(report);
        const { parent, key } = locate(copy, path);
        const value = parent[key];
        parent[key] = typeof value === 'number' || typeof value === 'boolean' ? 'no' : true;
        return isValid(copy);
      });
      assert.deepEqual(accepted, []);
    });

    test('is no report of another version', () => {
      assert.ok(!isValid({ ...(report as object), schema: 'dropless.other/9' }));
    });
  });
}

test('each report but that of lines is tried', () => {
  const untried = SCHEMAS.map(({ title }) => String(title)).filter((id) => REPORTS[id] === undefined);
  assert.deepEqual(untried, ['dropless.observation/1']);
});

type Path = readonly string[];

/** Every value within, but of a list the first item alone: the others have the same shape. */
function listPaths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value).slice(0, Array.isArray(value) ? 1 : undefined);
  return entries.flatMap(([key, item]) => [[...at, key], ...listPaths(item, [...at, key])]);
}

function locate(root: unknown, path: Path): { parent: Record<string, unknown>; key: string } {
  const parent = path
    .slice(0, -1)
    .reduce((value, key) => value[key] as Record<string, unknown>, root as Record<string, unknown>);
  return { parent, key: path.at(-1) ?? '' };
}
