import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatRulesDoc } from '../../generate/lint-rules.ts';
import { parseManifests } from '../kube/object.ts';
import { patchExemplar } from './exemplar.ts';
import {
  formatAnnotations,
  formatJson,
  formatLintMarkdown,
  formatSarif,
  formatText,
  type LintReport,
} from './report.ts';
import { runRules } from './rule.ts';
import { LINT_RULES } from './rules.ts';
import { createInventory } from './workload.ts';

/** One of each severity, and one set aside. */
const PATCH = `
kind: Deployment
spec:
  minReadySeconds: 0
  template: { spec: { terminationGracePeriodSeconds: 5 } }
---
kind: HorizontalPodAutoscaler
metadata: { annotations: { dropless/ignore.single-replica: saves money } }
spec: { minReplicas: 1, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } }
`;

function toReport(source: string, isRendered = false): LintReport {
  const inventory = createInventory(parseManifests(patchExemplar(PATCH), source, isRendered));
  return {
    inventory,
    rules: LINT_RULES,
    diagnoses: runRules(LINT_RULES, inventory),
    unseen: ['resourcequotas'],
  };
}

describe('formatText()', () => {
  test('puts the worst first, and what was set aside or not seen before the sum', () => {
    const lines = formatText(toReport('web.yaml')).split('\n');
    const heads = lines
      .filter((line) => /^\S/.test(line))
      .map((line) => line.replace(/:\d+:\d+|: .*/g, (part) => (part.startsWith(': ') ? part : '')));
    assert.deepEqual(
      heads.map((line) => line.split(' ').slice(0, 4).join(' ')),
      [
        'web.yaml: error shutdown-budget: the',
        'web.yaml: warning hpa-hasty-down: pods',
        'web.yaml: info rollout-no-settling: minReadySeconds',
        'ignored single-replica: HorizontalPodAutoscaler/web: saves',
        'not seen: resourcequotas could',
        '1 error, 1 warning,',
      ],
    );
    assert.match(
      lines.at(-2) ?? '',
      /^1 error, 1 warning, 1 info in Deployment\/web \(\d+ rules over 4 objects; 1 ignored\)$/,
    );
  });
});

describe('formatJson()', () => {
  test('carries every finding with its place, its loss and its fix', () => {
    const { schema, summary, findings } = JSON.parse(formatJson(toReport('web.yaml')));
    assert.equal(schema, 'dropless.lint/1');
    assert.deepEqual(summary, {
      error: 1,
      warning: 1,
      info: 1,
      ignored: 1,
      workloads: ['Deployment/web'],
      objects: 4,
      rules: LINT_RULES.length,
      unseen: ['resourcequotas'],
    });
    const [budget] = findings.filter(({ rule }: { rule: string }) => rule === 'shutdown-budget');
    assert.deepEqual(Object.keys(budget), [
      'rule',
      'severity',
      'message',
      'kind',
      'name',
      'namespace',
      'path',
      'source',
      'line',
      'column',
      'lost',
      'fix',
      'docs',
    ]);
    assert.equal(budget.path, 'spec.template.spec.terminationGracePeriodSeconds');
    const ignored = findings.filter((finding: object) => 'ignoredBecause' in finding);
    assert.deepEqual(
      ignored.map(({ rule, ignoredBecause }: Record<string, string>) => [rule, ignoredBecause]),
      [['single-replica', 'saves money']],
    );
  });
});

describe('formatAnnotations()', () => {
  test('is a command for each finding with its line, worst first, and the sum', () => {
    const lines = formatAnnotations(toReport('./deploy/web.yaml')).split('\n');
    assert.deepEqual(
      lines.map((line) =>
        line
          .replace(/line=\d+,col=\d+/, 'PLACE')
          .split('::')
          .slice(0, 2)
          .join('::'),
      ),
      [
        '::error file=deploy/web.yaml,PLACE,title=dropless shutdown-budget',
        '::warning file=deploy/web.yaml,PLACE,title=dropless hpa-hasty-down',
        '::notice file=deploy/web.yaml,PLACE,title=dropless rollout-no-settling',
        'not seen: resourcequotas could not be read, so no finding covers it',
        lines.at(-2),
        '',
      ],
    );
    assert.match(lines[0] ?? '', /::Deployment\/web: the .*\. \S/);
    assert.match(lines.at(-2) ?? '', /^1 error, 1 warning, 1 info in Deployment\/web /);
  });

  test('names no file for standard input, and no line for what was rendered', () => {
    assert.match(formatAnnotations(toReport('-')), /^::error line=\d+,col=\d+,title=/);
    assert.match(
      formatAnnotations(toReport('overlay/kustomization.yaml', true)),
      /^::error file=overlay\/kustomization\.yaml,title=/,
    );
  });

  test('is ended by nothing that a name holds', () => {
    const report = toReport('a,b:c%d\n.yaml');
    const [diagnosis] = report.diagnoses.filter(({ rule }) => rule.id === 'shutdown-budget');
    assert.ok(diagnosis !== undefined);
    const message = '100 % of\n::error::it';
    const [line] = formatAnnotations({ ...report, diagnoses: [{ ...diagnosis, message }] }).split('\n');
    assert.match(line ?? '', /^::error file=a%2Cb%3Ac%25d%0A\.yaml,line=/);
    assert.match(line ?? '', /: 100 %25 of%0A::error::it\. /);
  });
});

describe('formatLintMarkdown()', () => {
  test('has the sum, and a row for each finding with its fix', () => {
    const lines = formatLintMarkdown(toReport('web.yaml')).split('\n');
    assert.equal(lines[0], '## dropless lint');
    assert.match(lines[2] ?? '', /^\*\*1 error, 1 warning, 1 info in Deployment\/web .*\*\*$/);
    const rows = lines.filter((line) => line.startsWith('| ')).slice(2);
    assert.deepEqual(
      rows.map((row) =>
        row
          .replace(/:\d+:\d+/, ':PLACE')
          .split(' | ')
          .slice(0, 3)
          .join(' | '),
      ),
      [
        '| error shutdown-budget | Deployment/web | web.yaml:PLACE',
        '| warning hpa-hasty-down | HorizontalPodAutoscaler/web | web.yaml:PLACE',
        '| info rollout-no-settling | Deployment/web | web.yaml:PLACE',
      ],
    );
    assert.ok(lines.includes('not seen: resourcequotas could not be read, so no finding covers it'));
  });

  test('has no table where nothing was found', () => {
    const text = formatLintMarkdown({ ...toReport('web.yaml'), diagnoses: [], unseen: [] });
    assert.match(text, /^## dropless lint\n\n\*\*nothing found in Deployment\/web .*\*\*\n+$/);
  });
});

interface Sarif {
  $schema: string;
  version: string;
  runs: {
    tool: {
      driver: { name: string; rules: { id: string; helpUri: string; shortDescription: { text: string } }[] };
    };
    columnKind: string;
    results: {
      ruleId: string;
      ruleIndex: number;
      level: string;
      message: { text: string };
      locations: {
        physicalLocation: {
          artifactLocation: { uri: string };
          region: { startLine: number; startColumn: number };
        };
      }[];
      partialFingerprints: Record<string, string>;
    }[];
  }[];
}

describe('formatSarif()', () => {
  test('has what SARIF 2.1.0 requires, with indexes that fit and places inside the file', () => {
    const sarif: Sarif = JSON.parse(formatSarif(toReport('deploy/web app.yaml')));
    assert.equal(sarif.version, '2.1.0');
    assert.match(sarif.$schema, /sarif-2\.1\.0\.json$/);
    assert.equal(sarif.runs.length, 1);
    const [run] = sarif.runs;
    assert.ok(run !== undefined);
    assert.ok(['utf16CodeUnits', 'unicodeCodePoints'].includes(run.columnKind));
    const { name, rules } = run.tool.driver;
    assert.ok(name.length > 0);
    assert.deepEqual(
      rules.map(({ id }) => id),
      LINT_RULES.map(({ id }) => id),
    );
    for (const { helpUri, shortDescription } of rules) {
      assert.equal(new URL(helpUri).protocol, 'https:');
      assert.ok(shortDescription.text.length > 0);
    }

    assert.deepEqual(run.results.map(({ ruleId, level }) => `${level} ${ruleId}`).sort(), [
      'error shutdown-budget',
      'note rollout-no-settling',
      'warning hpa-hasty-down',
    ]);
    const lines = patchExemplar(PATCH).split('\n');
    for (const { ruleId, ruleIndex, message, locations } of run.results) {
      assert.equal(rules[ruleIndex]?.id, ruleId);
      assert.ok(message.text.length > 0);
      assert.equal(locations.length, 1);
      const { artifactLocation, region } = locations[0]?.physicalLocation ?? assert.fail('no place');
      assert.equal(artifactLocation.uri, 'deploy/web%20app.yaml');
      assert.ok(region.startLine >= 1 && region.startLine <= lines.length);
      assert.ok(
        region.startColumn >= 1 && region.startColumn <= (lines[region.startLine - 1]?.length ?? 0) + 1,
      );
    }
    for (const { partialFingerprints } of run.results) {
      assert.deepEqual(Object.keys(partialFingerprints), ['objectPath/v1']);
    }
  });

  test('leaves out what was set aside, which GitHub would show as an open alert', () => {
    const sarif: Sarif = JSON.parse(formatSarif(toReport('web.yaml')));
    const rules = sarif.runs[0]?.results.map(({ ruleId }) => ruleId);
    assert.ok(rules?.includes('shutdown-budget') && !rules.includes('single-replica'), String(rules));
  });

  const uris: readonly (readonly [string, string])[] = [
    ['-', 'stdin'],
    ['./deploy//web.yaml', 'deploy/web.yaml'],
    ['deploy/a#b?.yaml', 'deploy/a%23b%3F.yaml'],
    ['cluster:web', 'cluster%3Aweb'],
  ];
  for (const [source, uri] of uris) {
    test(`names ${source} by a relative URI, ${uri}`, () => {
      const sarif: Sarif = JSON.parse(formatSarif(toReport(source)));
      const [result] = sarif.runs[0]?.results ?? [];
      assert.equal(result?.locations[0]?.physicalLocation.artifactLocation.uri, uri);
      const base = 'https://example.com/checkout/';
      assert.equal(decodeURIComponent(new URL(uri, base).href), base + decodeURIComponent(uri));
    });
  }

  test('points at the start of the kustomization where the manifest was rendered', () => {
    const sarif: Sarif = JSON.parse(formatSarif(toReport('./overlay/kustomization.yaml', true)));
    const places = sarif.runs[0]?.results.map(({ locations }) => locations[0]?.physicalLocation) ?? [];
    assert.equal(places.length, 3);
    for (const place of places) {
      assert.deepEqual(place, {
        artifactLocation: { uri: 'overlay/kustomization.yaml' },
        region: { startLine: 1, startColumn: 1 },
      });
    }
  });

  test('keeps apart what stands on the one line of a kustomization, the same in each run', () => {
    const hashes = () => {
      const sarif: Sarif = JSON.parse(formatSarif(toReport('overlay/kustomization.yaml', true)));
      const results = sarif.runs[0]?.results ?? [];
      return results.map(({ partialFingerprints }) => partialFingerprints.primaryLocationLineHash ?? '');
    };
    assert.equal(new Set(hashes()).size, 3);
    for (const hash of hashes()) assert.match(hash, /^[0-9a-f]{16}:1$/);
    assert.deepEqual(hashes(), hashes());
  });
});

describe('docs/lint-rules.md', () => {
  test('is what the rules say; npm run generate writes it', () => {
    const path = join(import.meta.dirname, '../../docs/lint-rules.md');
    assert.equal(readFileSync(path, 'utf8'), formatRulesDoc(LINT_RULES));
  });
});
