/** The package as a project in TypeScript uses it: compiled under both resolutions of modules, and run on both runtimes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { SCHEMAS, toSchemaPath } from '../../generate/schemas.ts';
import { patchExemplar } from '../../loadtest/lint/exemplar.ts';
import { start } from './command-line.ts';
import { installPackage, readPackageFile } from './installed-package.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/library.md'), 'utf8');
const [, example = assert.fail('docs/library.md has no example')] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
const installed = installPackage();
const { directory, env } = installed;
const write = (name: string, text: string) => writeFileSync(join(directory, name), text);

/** Prints what it was given. The lines that must not compile are checked by the compiler, and never run. */
const CONSUMER = `
import { DroplessError, type LintReport, lint, type ProofReport, prove } from 'dropless';
import type { ObservationLine, RunReport } from 'dropless/reports';
import schema from 'dropless/schemas/proof-4.json' with { type: 'json' };

const manifests = 'apiVersion: v1\\nkind: Service\\nmetadata: { name: web }\\nspec: { selector: { app: web } }\\n---\\napiVersion: apps/v1\\nkind: Deployment\\nmetadata: { name: web }\\nspec: { selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: web }] } } }';
const linted: LintReport = await lint({ manifests, failOn: 'warning', ignore: ['probe-timeout'].slice(1) });
const steps: string[] = [];
const proven: ProofReport = await prove({
  disruptions: ['rollout'],
  local: true,
  replicas: 1,
  rate: 50,
  preStop: '300ms',
  lameDuck: '300ms',
  propagation: '100ms',
  baseline: '100ms',
  tail: '100ms',
  allow: ['late-endpoint', 'cold-start'],
  onProgress: (text) => steps.push(text),
});
async function toFault(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return null;
  } catch (error) {
    return error instanceof DroplessError ? { name: error.name, message: error.message, exitCode: error.exitCode } : String(error);
  }
}
const ending = new AbortController();
const aborted = await prove({
  disruptions: ['rollout'],
  local: true,
  signal: ending.signal,
  onProgress: (text) => (text.includes('rollout begins') ? ending.abort() : undefined),
});
const faults = [
  await toFault(prove({ disruptions: [] })),
  await toFault(lint({ manifests: 'kind: ConfigMap\\napiVersion: v1\\nmetadata: { name: a }' })),
  await toFault(lint({ manifests, kubeVersion: '--no-such-flag' })),
];
const title: string = schema.title;
console.log(JSON.stringify({ title, linted, proven, steps, faults, aborted: { verdict: aborted.verdict } }));

export function refused(run: RunReport, line: ObservationLine): unknown[] {
  return [
    // @ts-expect-error: no such disruption
    prove({ disruptions: ['rolout'] }),
    // @ts-expect-error: no such flag
    prove({ disruptions: ['rollout'], replica: 3 }),
    // @ts-expect-error: a time has a unit
    prove({ disruptions: ['rollout'], preStop: 5 }),
    // @ts-expect-error: one of the severities
    lint({ paths: ['deploy/'], failOn: 'fatal' }),
    // @ts-expect-error: no such property
    run.verdict.kinds,
    line.kind === 'summary' ? line.lostOutside : line.durationMs,
  ];
}
`;

/** As strict as a project can be: the declarations of the package are checked as well. */
function toConfig(module: string, moduleResolution: string, outDir: string) {
  return JSON.stringify({
    compilerOptions: {
      module,
      moduleResolution,
      outDir,
      target: 'es2022',
      lib: ['es2023', 'dom'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      resolveJsonModule: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      rootDir: '.',
    },
    files: ['consumer.ts', 'example.ts'],
  });
}

before(() => {
  const packageJson = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  write('package.json', JSON.stringify({ ...packageJson, type: 'module' }));
  write('consumer.ts', CONSUMER);
  write('example.ts', example);
  mkdirSync(join(directory, 'deploy'));
  write('deploy/web.yaml', patchExemplar(''));
});
after(installed.remove);

describe('the library', () => {
  for (const [module, resolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    test(`is compiled with moduleResolution ${resolution}`, () => {
      write(`tsconfig.${resolution}.json`, toConfig(module, resolution, resolution));
      const tsc = join(root, 'node_modules/.bin/tsc');
      const { status, stdout } = spawnSync(tsc, ['-p', `tsconfig.${resolution}.json`], {
        cwd: directory,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout);
      assert.ok(existsSync(join(directory, resolution, 'consumer.js')));
    });
  }

  for (const [runtime, folder] of [
    ['node', 'nodenext'],
    ['bun', 'bundler'],
  ] as const) {
    test(`runs on ${runtime}: reports by their schemas, faults as sentences`, async () => {
      const program = { name: runtime, argv: [runtime, `${folder}/consumer.js`] } as const;
      const [command, ...args] = program.argv;
      const { code, stdout, stderr } = await start({ name: runtime, argv: [command] }, args, '', {
        cwd: directory,
        env: { ...env, GITHUB_STEP_SUMMARY: join(directory, 'summary.md') },
      }).ended;
      assert.equal(code, 0, stderr);
      assert.ok(!existsSync(join(directory, 'summary.md')), 'a function writes no summary of the job');
      const { title, linted, proven, steps, faults, aborted } = JSON.parse(stdout);
      assert.equal(title, 'dropless.proof/4');
      for (const [name, report] of [
        ['lint-1', linted],
        ['proof-4', proven],
      ] as const) {
        const schema = JSON.parse(readPackageFile(installed, `schemas/${name}.json`));
        const isValid = new Ajv2020({ strict: true, strictTypes: false }).compile(schema);
        assert.ok(isValid(report), JSON.stringify(isValid.errors));
      }
      assert.ok(linted.findings.length > 5);
      assert.equal(proven.proofs.length, 1);
      assert.ok(proven.proofs[0].planned > 0);
      assert.match(steps.join(''), /rollout begins/);
      assert.deepEqual(faults[0], {
        name: 'DroplessError',
        message: 'which disruption? There are rollout, scale, drain, kill, run',
        exitCode: 2,
      });
      assert.deepEqual([faults[1].exitCode, faults[2].exitCode], [3, 2]);
      assert.match(faults[1].message, /^nothing to lint: /);
      assert.match(faults[2].message, /^--kube-version "--no-such-flag": must be a version/);
      assert.equal(aborted.verdict.kind, 'inconclusive');
      assert.match(aborted.verdict.sentence, /interrupted/);
    });
  }

  test('lints as the page shows', async () => {
    const args = ['--test-reporter=tap', '--test-name-pattern=no manifest', 'nodenext/example.js'];
    const { code, stdout } = await start({ name: 'node', argv: ['node'] }, args, '', { cwd: directory, env })
      .ended;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok \d+ - no manifest loses requests$/m);
  });

  test('has every schema where the page says', () => {
    for (const schema of SCHEMAS) {
      const path = toSchemaPath(schema).replace('loadtest/', '');
      assert.equal(JSON.parse(readPackageFile(installed, path)).title, schema.title);
      assert.ok(page.includes(`dropless/${path} `), path);
    }
  });
});
