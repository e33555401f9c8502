import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleReport } from '../../test/fixtures/sample-report.ts';
import { formatRunMarkdown, toRunSuite } from './run-results.ts';
import { toFindings } from './summary.ts';
import { toTables } from './tables.ts';

const report = createSampleReport();
const findings = toFindings(report);

/** The kinds of the cases where the verdict is this one. */
function kindsOf(kind: typeof findings.verdict.kind, exit: typeof findings.verdict.exit, requests = 10) {
  const requirement = {
    text: 'p99 < 1ms',
    unit: 'time',
    actual: 2,
    state: kind === 'unmeasured' ? 'unknown' : kind === 'missed' ? 'missed' : 'met',
  } as const;
  const suite = toRunSuite(
    report,
    {
      summary: { ...findings.summary, requests, requirements: [requirement] },
      verdict: { ...findings.verdict, kind, exit },
    },
    '',
  );
  return suite.cases.map(({ result }) => result.kind);
}

describe('toRunSuite()', () => {
  for (const [kind, exit, requests, kinds] of [
    ['clean', 'proven', 10, ['passed', 'passed']],
    ['part', 'proven', 10, ['passed', 'passed']],
    ['lost', 'failed', 10, ['failure', 'passed']],
    ['unbalanced', 'failed', 10, ['failure', 'passed']],
    ['missed', 'failed', 10, ['passed', 'failure']],
    ['missed', 'inconclusive', 10, ['passed', 'error']],
    ['late', 'inconclusive', 10, ['error', 'passed']],
    ['not-ok', 'inconclusive', 10, ['error', 'passed']],
    ['incomplete', 'inconclusive', 10, ['error', 'passed']],
    ['interrupted', 'inconclusive', 10, ['error', 'passed']],
    ['unmeasured', 'inconclusive', 10, ['passed', 'error']],
    ['unmeasured', 'inconclusive', 0, ['error', 'error']],
  ] as const) {
    test(`${kind} (${exit}, ${requests} requests): ${kinds.join(', ')}`, () => {
      assert.deepEqual(kindsOf(kind, exit, requests), kinds);
    });
  }

  test('shows what was lost where the case fails', () => {
    const { cases, name } = toRunSuite(report, findings, 'the tables');
    assert.equal(name, 'run http://localhost:3000/');
    assert.deepEqual(cases[0]?.result, {
      kind: 'failure',
      type: 'lost',
      message: findings.verdict.sentence,
      details: 'the tables',
    });
  });
});

test('formatRunMarkdown() has the verdict first, then the tables', () => {
  const text = formatRunMarkdown(report, findings, toTables(report, findings));
  assert.ok(
    text.startsWith('## ✗ Failed: load on http://localhost:3000/\n\n**3 of 2,000 requests were lost'),
  );
  assert.deepEqual(
    text.match(/^### .*/gm),
    toTables(report, findings).map(({ title }) => `### ${title}`),
  );
  assert.ok(text.includes('| closed\\_before\\_response | 3 | 0.15% | yes |'));
});
