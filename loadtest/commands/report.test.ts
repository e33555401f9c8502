import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { createSampleReport } from '../../test/fixtures/sample-report.ts';
import { runCli } from '../cli/program.ts';
import type { TextOutput } from '../cli/world.ts';
import type { Proof } from '../proof/judgement.ts';
import { formatProofReport } from '../proof/proof-report.ts';
import { parseRemoval } from '../proof/safeguard.ts';
import type { Series } from '../proof/series.ts';
import { formatRunReport as formatRun } from '../report/report.ts';
import { report, toKind } from './report.ts';

const sample = createSampleProof();
const clean: Proof = {
  ...sample,
  disruption: 'drain',
  ok: 800,
  lost: 0,
  outcomes: { ok: 800 },
  causes: {},
  losses: [],
  verdict: { kind: 'proven', exit: 'proven', sentence: 'PROVEN', doubts: [], upperBound: 0.004 },
};

const series = (given: Partial<Series> = {}): Series => ({
  proofs: [sample],
  controls: [],
  cutShort: null,
  ...given,
});

describe('toKind()', () => {
  test('tells by the schema what a report is of', () => {
    assert.equal(toKind(formatProofReport(series()), 'r.json'), 'proof');
    assert.equal(toKind(formatRun(createSampleReport(), {}), 'r.json'), 'run');
  });

  for (const [text, message] of [
    ['PROVEN', 'r.json is not JSON; give a file that dropless run --json or prove --json has written'],
    ['[]', 'r.json is no report of this version: the report must be an object, but is []'],
    ['{}', 'r.json is no report of this version: the report.schema must be a string, but is missing'],
    [
      '{"schema":"dropless.lint/1"}',
      'r.json is no report of this version: schema must be dropless.run/1 or dropless.proof/4, but is dropless.lint/1',
    ],
  ] as const) {
    test(`refuses ${text}`, () => {
      assert.throws(() => toKind(text, 'r.json'), { name: 'Fault', message });
    });
  }
});

/** What `dropless report proof.json` does with the series. */
function show(given: Series, ...flags: string[]) {
  return runReport({ 'proof.json': formatProofReport(given) }, 'proof.json', ...flags);
}

/** @param inputs the files that there are, by their names */
async function runReport(inputs: Readonly<Record<string, string>>, ...args: string[]) {
  const out = { stdout: '', stderr: '' };
  const files: Record<string, string> = {};
  const sink = (name: 'stdout' | 'stderr'): TextOutput => ({
    write: (text) => {
      out[name] += text;
    },
    isTerminal: false,
    columns: 80,
  });
  const code = await runCli({ version: '0', commands: [report] }, ['report', ...args], {
    program: 'dropless',
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: {},
    interrupted: new AbortController().signal,
    senders: [],
    nowMs: () => 0,
    readText: async (path) => inputs[path] ?? Promise.reject(new Error('no such file')),
    appendText: async () => {},
    prepareFile: async (path) => {
      files[path] = '';
    },
    writeText: async (path, text) => {
      files[path] = text;
    },
  });
  return { code, ...out, files };
}

describe('dropless report of a proof', () => {
  for (const [what, given, exit, last] of [
    ['losses', series(), 1, 'LOST 3 of 800 requests.'],
    ['nothing lost', series({ proofs: [clean] }), 0, 'PROVEN'],
    [
      'what was cut short',
      series({ proofs: [clean], cutShort: 'it was interrupted' }),
      3,
      'INCONCLUSIVE: none lost of 800 requests, but it was interrupted.',
    ],
    ['several', series({ proofs: [clean, sample] }), 1, 'LOST 3 of 1,600 requests, in 1 of 2 disruptions.'],
  ] as const) {
    test(`ends with the verdict on ${what}, and its exit code`, async () => {
      const { code, stdout, stderr } = await show(given);
      assert.deepEqual([code, stdout.trimEnd().split('\n').at(-1), stderr], [exit, last, '']);
    });
  }

  test('tells each proof in full, each control in a sentence, and what they are worth', async () => {
    const { stdout } = await show(
      series({ controls: [{ ...sample, without: [parseRemoval('preStop')], lost: 40 }] }),
    );
    assert.match(stdout, /^rollout\n-{7}\n\n(.+\n)+\n {2}5\.020 s {2}#501 /);
    assert.equal(stdout.match(/#501 /g)?.length, 1);
    assert.match(stdout, /^rollout, without preStop: .*\n-+\n\nLOST 3 of 800 requests\. As expected/m);
    assert.match(stdout, /^preStop +3 of 800 +40 of 800 +yes /m);
  });

  test('says on standard error that nothing was disrupted', async () => {
    const { code, stdout, stderr } = await show(series({ proofs: [] }));
    assert.deepEqual(
      [code, stdout, stderr],
      [3, '', 'INCONCLUSIVE: none lost of 0 requests, but nothing was disrupted.\n'],
    );
  });

  test('writes the same JSON again, and the page', async () => {
    const several = series({
      proofs: [sample, clean],
      controls: [{ ...sample, without: [parseRemoval('preStop')] }],
    });
    const { files } = await show(several, '--json', 'again.json', '--html', 'page.html');
    assert.equal(files['again.json'], formatProofReport(several));
    assert.match(files['page.html'] ?? '', /<h2 id="disruption-2">2 Drain<\/h2>/);
  });

  test('leaves standard output to the JSON where it is to go there', async () => {
    const { code, stdout, stderr } = await show(series(), '--json', '-');
    assert.deepEqual([code, stdout], [1, formatProofReport(series())]);
    assert.match(stderr, /^LOST 3 of 800 requests\.$/m);
  });

  test('takes no requirement, and writes nothing then', async () => {
    assert.deepEqual(await show(series(), '--require', 'p99 < 20ms', '--html', 'page.html'), {
      code: 2,
      stdout: '',
      stderr:
        'dropless: --require needs the report of a run: proof.json is a proof, whose requirements are set with prove --require\n',
      files: {},
    });
  });
});

describe('dropless report of two', () => {
  const inputs = {
    'run.json': formatRun(createSampleReport(), {}),
    'better.json': formatRun(createSampleReport({ lost: 0 }), {}),
    'proof.json': formatProofReport(series()),
    'clean.json': formatProofReport(series({ proofs: [{ ...clean, disruption: 'rollout' }] })),
    'empty.json': '',
  };

  test('compares two runs, and ends with 0 whatever they differ in', async () => {
    const { code, stdout, stderr } = await runReport(inputs, 'run.json', 'better.json');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^closed_before_response +3 +0 +0\.15% +0% +no$/m);
    assert.match(
      stdout,
      /\nLost 3 of 2,000 before and 0 of 2,000 now, a difference that may be chance\. No latency/,
    );
  });

  test('compares two proofs, and writes JSON and page', async () => {
    const flags = ['--json', 'c.json', '--html', 'c.html'];
    const { code, files } = await runReport(inputs, 'proof.json', 'clean.json', ...flags);
    assert.equal(code, 0);
    assert.equal(JSON.parse(files['c.json'] ?? '').schema, 'dropless.comparison/1');
    assert.match(files['c.html'] ?? '', /<title>Two proofs of Deployment web in shop/);
  });

  for (const [args, message] of [
    [
      ['run.json', 'proof.json'],
      'run.json and proof.json cannot be compared: one is a run, the other a proof',
    ],
    [['run.json', 'none.json'], ' "none.json" can\'t be read: no such file'],
    [
      ['run.json', 'empty.json'],
      'empty.json is not JSON; give a file that dropless run --json or prove --json has written',
    ],
    [['run.json', 'better.json', 'third.json'], 'unexpected argument "third.json"'],
    [['run.json', 'better.json', '--require', 'lost == 0'], 'NEW and --require cannot be combined'],
    [['run.json', 'better.json', '--junit', 'x.xml'], 'NEW and --junit cannot be combined'],
  ] as const) {
    test(`refuses ${args.join(' ')}`, async () => {
      const { code, stdout, stderr, files } = await runReport(inputs, ...args);
      assert.deepEqual([code, stdout, stderr, files], [2, '', `dropless: ${message}\n`, {}]);
    });
  }
});
