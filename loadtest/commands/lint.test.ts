import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { Fault } from '../cli/fault.ts';
import { runCli } from '../cli/program.ts';
import type { World } from '../cli/world.ts';
import { toApiFault } from '../kube/api.ts';
import type { Json } from '../kube/json.ts';
import { patchExemplar } from '../lint/exemplar.ts';
import type { Host } from '../lint/host.ts';
import { LINT_RULES } from '../lint/rules.ts';
import { createLintCommand } from './lint.ts';

type Programs = Readonly<Record<string, string | { exitCode: number; stderr: string }>>;

interface Machine {
  readonly files?: Readonly<Record<string, string>>;
  /** What a command line prints, or how it fails; a program that no line starts with is not on the PATH. */
  readonly programs?: Programs;
  /** Takes what is added to the summary of the job; none: this is no job. */
  readonly addSummary?: (text: string) => void;
  /** The context that must be asked for. */
  readonly context?: string;
  /** What its API server answers a path with, or with which status it refuses; undefined: no cluster. */
  readonly cluster?: Readonly<Record<string, Json | number>>;
}

async function lint(
  args: readonly string[],
  { files = {}, programs = {}, addSummary, context: known, cluster }: Machine = {},
) {
  const out = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (content: string) => {
      out[name] += content;
    },
    isTerminal: false,
    columns: 80,
  });
  const world: World = {
    program: 'dropless',
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: addSummary === undefined ? {} : { GITHUB_STEP_SUMMARY: '/summary' },
    interrupted: new AbortController().signal,
    senders: [],
    nowMs: () => 0,
    prepareFile: async () => assert.fail('opens a file'),
    readText: async (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('absent'), { code: 'ENOENT' });
      return text;
    },
    writeText: () => assert.fail('writes a file'),
    appendText: async (path, text) => {
      assert.equal(path, '/summary');
      addSummary?.(text);
    },
  };
  const host: Host = {
    listDirectory: async (path) => {
      const prefix = `${path.replace(/\/$/, '')}/`;
      const names = Object.keys(files).flatMap((file) =>
        file.startsWith(prefix) ? [file.slice(prefix.length)] : [],
      );
      return names.length === 0 ? null : names;
    },
    openCluster: async ({ context, namespace = 'shop' }) => {
      if (cluster === undefined) throw new Fault('no cluster is configured: set KUBECONFIG');
      assert.equal(context, known);
      const get = async (path: string) => {
        const found = cluster[path] ?? 404;
        if (typeof found === 'number') throw toApiFault(found, `GET ${path}: ${found} refused`);
        return found;
      };
      return { api: { get }, namespace };
    },
    runProgram: async (name, given) => {
      const known = Object.keys(programs).some((line) => line.startsWith(`${name} `));
      const result = programs[[name, ...given].join(' ')];
      if (!known) return { exitCode: null, stdout: '', stderr: '' };
      if (typeof result === 'string') return { exitCode: 0, stdout: result, stderr: '' };
      return { stdout: '', ...(result ?? { exitCode: 1, stderr: `unexpected: ${name} ${given.join(' ')}` }) };
    },
  };
  const code = await runCli({ version: '0', commands: [createLintCommand(host)] }, ['lint', ...args], world);
  return { code, ...out };
}

const GOOD = patchExemplar('');
const SINGLE = patchExemplar('{ kind: HorizontalPodAutoscaler, spec: { minReplicas: 1 } }');
const SHORT = patchExemplar(
  '{ kind: Deployment, spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } }',
);

describe('dropless lint', () => {
  const codes: readonly (readonly [string, string, number])[] = [
    ['nothing', GOOD, 0],
    ['a warning', SINGLE, 0],
    ['a warning --fail-on warning', SINGLE, 1],
    ['a warning --fail-on warning --ignore single-replica', SINGLE, 0],
    ['an error', SHORT, 1],
    ['an error --ignore shutdown-budget', SHORT, 0],
    ['an error --fail-on info', SHORT, 1],
  ];
  for (const [what, manifest, code] of codes) {
    test(`exits ${code} on ${what}`, async () => {
      const flags = what.split(' ').slice(what.startsWith('nothing') ? 1 : 2);
      assert.equal((await lint(['-', ...flags], { files: { '-': manifest } })).code, code);
    });
  }

  test('says what it looked at where it finds nothing', async () => {
    const { stdout } = await lint(['-'], { files: { '-': GOOD } });
    assert.equal(stdout, `nothing found in Deployment/web (${LINT_RULES.length} rules over 4 objects)\n`);
  });

  test('names place, value, loss and fix of a finding', async () => {
    const { stdout } = await lint(['web.yaml'], { files: { 'web.yaml': SHORT } });
    assert.match(
      stdout,
      /^web\.yaml:\d+:\d+: error shutdown-budget: the grace period is 5 s, but container web takes up to 37 s \(10 s preStop \+ 2 s lame duck \+ 25 s drain\)\n {2}at {4}Deployment\/web spec\.template\.spec\.terminationGracePeriodSeconds\n {2}lost {2}\S.+\n {2}fix {3}\S.+\n\n1 error in Deployment\/web \(\d+ rules over 4 objects\)\n$/,
    );
    const line = Number(/:(\d+):/.exec(stdout)?.[1]);
    assert.match(SHORT.split('\n')[line - 1] ?? '', /terminationGracePeriodSeconds: 5/);
  });

  const empty: readonly (readonly [string, string])[] = [
    ['', 'the input has no Kubernetes objects'],
    ['just: a map', 'the input has no Kubernetes objects'],
    [
      '{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { selector: { app: web } } }',
      'no Deployment, StatefulSet or DaemonSet among 1 objects (Service)',
    ],
    [
      '{ apiVersion: apps/v1, kind: Deployment, metadata: { name: worker }, spec: { template: { spec: { containers: [{ name: worker }] } } } }',
      'no Service selects Deployment/worker, and no container there has ports',
    ],
  ];
  for (const [text, reason] of empty) {
    test(`is inconclusive, never green, where ${reason}`, async () => {
      assert.deepEqual(await lint(['-'], { files: { '-': text } }), {
        code: 3,
        stdout: '',
        stderr: `dropless: nothing to lint: ${reason}\n`,
      });
    });
  }

  const faults: readonly (readonly [string, Machine, string])[] = [
    [
      '- deploy/web',
      {},
      'Deployment web must be the only argument: leave the others out, or start a path with ./',
    ],
    ['- --namespace shop', {}, '--namespace needs TYPE/NAME'],
    ['- --ignore nonsense', {}, '--ignore "nonsense": is not a rule; docs/lint-rules.md lists them all'],
    ['- --fail-on never', {}, '--fail-on "never": must be error or warning or info'],
    ['- --kube-version 2', {}, '--kube-version "2": must be a version of Kubernetes, for example 1.30'],
    ['absent.yaml', {}, 'absent.yaml: no such file or directory'],
    [
      'dev prod',
      {
        files: { 'dev/kustomization.yaml': '', 'prod/kustomization.yaml': '' },
        programs: { 'kustomize build dev': SINGLE, 'kustomize build prod': GOOD },
      },
      'dev and prod both have Deployment/web: lint them one after the other',
    ],
    ['d', { files: { 'd/Chart.yaml': '' } }, 'd is a Helm chart: helm template d | dropless lint -'],
    ['d', { files: { 'd/README': '' } }, 'd: no kustomization and no YAML or JSON files'],
    [
      '-',
      { files: { '-': 'a: [' } },
      '-:1:5: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'd',
      { files: { 'd/kustomization.yaml': '' } },
      'd needs kustomize or kubectl to be built, and neither is on the PATH',
    ],
    [
      'd',
      {
        files: { 'd/kustomization.yaml': '' },
        programs: { 'kubectl kustomize d': { exitCode: 1, stderr: 'error: no such base\nmore' } },
      },
      'kubectl kustomize d: error: no such base',
    ],
    ['deploy/web', {}, 'no cluster is configured: set KUBECONFIG'],
  ];
  for (const [line, machine, message] of faults) {
    test(`answers "${line}" with: ${message}`, async () => {
      assert.deepEqual(await lint(line.split(' ').filter(Boolean), machine), {
        code: 2,
        stdout: '',
        stderr: `dropless: ${message}\n`,
      });
    });
  }

  test('builds a kustomize directory, and points at its kustomization', async () => {
    const files = { 'overlay/kustomization.yaml': '', 'overlay/patch.yaml': '' };
    for (const line of ['kustomize build overlay', 'kubectl kustomize overlay']) {
      const { code, stdout } = await lint(['overlay'], { files, programs: { [line]: SHORT } });
      assert.equal(code, 1);
      assert.match(stdout, /^overlay\/kustomization\.yaml: error shutdown-budget: /);
    }
  });

  test('reads all manifests of another directory, together', async () => {
    const [deployment = '', ...rest] = GOOD.split('---\n');
    const files = { 'd/b.yaml': rest.join('---\n'), 'd/a.yml': deployment, 'd/README.md': 'no: {manifest' };
    assert.equal((await lint(['d'], { files })).code, 0);
  });

  test('lints files given together as one system', async () => {
    const [deployment = '', ...rest] = GOOD.split('---\n');
    const files = { 'a.yaml': deployment, 'b.yaml': rest.join('---\n') };
    assert.equal((await lint(['a.yaml', 'b.yaml'], { files })).code, 0);
  });

  test('asks the version of Kubernetes where it is given', async () => {
    const files = { '-': GOOD };
    assert.match((await lint(['-', '--kube-version', '1.29'], { files })).stdout, /prestop-sleep-dropped/);
    assert.equal((await lint(['-', '--kube-version', 'v1.30.2'], { files })).code, 0);
  });

  test('leaves out what an annotation sets aside with a reason, and says so', async () => {
    const manifest = patchExemplar(`
kind: HorizontalPodAutoscaler
metadata: { annotations: { dropless/ignore.single-replica: saves money } }
spec: { minReplicas: 1 }
`);
    const { code, stdout } = await lint(['-', '--fail-on', 'info'], { files: { '-': manifest } });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^ignored single-replica: HorizontalPodAutoscaler\/web: saves money\nnothing found .* 1 ignored\)\n$/,
    );
  });
});

describe('dropless lint in a job of GitHub Actions', () => {
  const files = { '-': SHORT };

  test('annotates with -o github, and exits by what it found', async () => {
    const { code, stdout } = await lint(['-', '-o', 'github'], { files });
    assert.equal(code, 1);
    assert.match(stdout, /^::error line=\d+,col=\d+,title=dropless shutdown-budget::/);
  });

  test('adds its findings to the summary of the job, in any format', async () => {
    const added: string[] = [];
    await lint(['-', '-o', 'sarif'], { files, addSummary: (text) => added.push(text) });
    assert.equal(added.length, 1);
    assert.match(added[0] ?? '', /^## dropless lint\n[\s\S]*\| error shutdown-budget \|/);
  });
});

describe('an annotation without a reason', () => {
  test('hides nothing, and is found itself', async () => {
    const manifest = patchExemplar(`
kind: HorizontalPodAutoscaler
metadata: { annotations: { dropless/ignore.single-replica: " " } }
spec: { minReplicas: 1 }
`);
    const { stdout } = await lint(['-', '-o', 'json'], { files: { '-': manifest } });
    const found = (JSON.parse(stdout).findings as { rule: string; ignoredBecause?: string }[]).map(
      ({ rule, ignoredBecause }) => [rule, ignoredBecause],
    );
    assert.deepEqual(found, [
      ['single-replica', undefined],
      ['ignore-without-reason', undefined],
    ]);
  });
});

describe('dropless lint deploy/NAME', () => {
  const objects = new Map(
    GOOD.split('---\n').map((text) => [/kind: (\w+)/.exec(text)?.[1] ?? '', parse(text)]),
  );
  /** As the API answers: the items do not tell their kind. */
  const list = (...items: readonly Json[]): Json => ({
    apiVersion: 'v1',
    items: items.map(({ kind, apiVersion, ...rest }) => rest),
  });
  const stray = { metadata: { name: 'other' }, spec: { selector: { app: 'other' } } };
  const [live = ''] = patchExemplar(
    '{ kind: Deployment, metadata: { uid: 5b1e }, spec: { replicas: 7 } }',
  ).split('---\n');
  const cluster = {
    '/apis/apps/v1/namespaces/shop/deployments/web': parse(live),
    '/api/v1/namespaces/shop/services': list(objects.get('Service'), stray),
    '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers': list(
      objects.get('HorizontalPodAutoscaler'),
    ),
    '/apis/policy/v1/namespaces/shop/poddisruptionbudgets': list(objects.get('PodDisruptionBudget')),
    '/api/v1/namespaces/shop/resourcequotas': 403,
    '/api/v1/namespaces/shop/limitranges': list(),
    '/version': { minor: '30+' },
  };
  const args = ['deploy/web', '--context', 'c'];

  test('reads what bears on it, takes no offence at replicas, and says what it could not see', async () => {
    for (const namespace of [[], ['--namespace', 'shop']]) {
      assert.deepEqual(await lint([...args, ...namespace], { context: 'c', cluster }), {
        code: 0,
        stdout: [
          'not seen: resourcequotas could not be read, so no finding covers it',
          `nothing found in Deployment/web (${LINT_RULES.length} rules over 4 objects)`,
          '',
        ].join('\n'),
        stderr: '',
      });
    }
  });

  for (const [word, kind, resource] of [
    ['sts', 'StatefulSet', 'statefulsets'],
    ['ds', 'DaemonSet', 'daemonsets'],
  ] as const) {
    test(`reads a ${kind}, too`, async () => {
      const [path, deployment] = ['/apis/apps/v1/namespaces/shop', parse(live)];
      const other = { ...cluster, [`${path}/${resource}/web`]: { ...deployment, kind } };
      const { stdout } = await lint([`${word}/web`, '--context', 'c'], { context: 'c', cluster: other });
      assert.match(stdout, new RegExp(`${kind}/web`));
    });
  }

  test('asks the version of the server', async () => {
    const old = { ...cluster, '/version': { minor: '29' } };
    assert.match((await lint(args, { context: 'c', cluster: old })).stdout, /error prestop-sleep-dropped/);
    assert.equal((await lint(args, { context: 'c', cluster: { ...cluster, '/version': 503 } })).code, 0);
  });

  test('says that it is not there, or may not be read', async () => {
    const path = '/apis/apps/v1/namespaces/shop/deployments/web';
    for (const [status, message] of [
      [404, /deploy\/web: there is no such Deployment in namespace shop/],
      [403, /deploy\/web: GET .* 403 refused/],
    ] as const) {
      assert.match(
        (await lint(args, { context: 'c', cluster: { ...cluster, [path]: status } })).stderr,
        message,
      );
    }
  });
});

describe('dropless lint on manifests of others', () => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    podinfo: [
      '23 error shutdown-no-delay',
      '38 info probe-exec',
      '43 info probe-exec',
      '38 info startup-probe-missing',
      '21 info pods-together',
      '2 warning pdb-missing',
    ],
    agnhost: [
      '15 error shutdown-budget',
      '6 info rollout-no-settling',
      '15 info pods-together',
      '15 warning pod-best-effort',
      '2 warning pdb-missing',
    ],
    nginx: [
      '19 error shutdown-no-delay',
      '19 error readiness-missing',
      '8 info rollout-no-settling',
      '17 info pods-together',
      '20 warning image-mutable',
      '17 warning pod-best-effort',
      '39 error pdb-blocks-drain',
    ],
  };
  for (const [name, findings] of Object.entries(expected)) {
    test(`finds in ${name} what loses its requests`, async () => {
      const file = join(import.meta.dirname, '../../test/fixtures/manifests', `${name}.yaml`);
      const { stdout } = await lint(['-', '-o', 'json'], {
        files: { '-': await readFile(file, 'utf8') },
      });
      const found = (JSON.parse(stdout).findings as { line: number; severity: string; rule: string }[]).map(
        ({ line, severity, rule }) => `${line} ${severity} ${rule}`,
      );
      assert.deepEqual(found, findings);
    });
  }
});

describe('docs/lint.md', () => {
  const doc = readFile(join(import.meta.dirname, '../../docs/lint.md'), 'utf8');

  test('shows commands that are accepted', async () => {
    const lines = [...(await doc).matchAll(/(?:^|\| )dropless lint ([^|>\n]+)/gm)].map(
      ([, args = '']) => args,
    );
    assert.equal(lines.length, 3);
    const files = { '-': GOOD, 'deploy/web.yaml': GOOD, 'kustomize/overlays/prod/kustomization.yaml': '' };
    const programs = { 'kubectl kustomize kustomize/overlays/prod': GOOD };
    const path = '/apis/apps/v1/namespaces/shop/deployments/web';
    const cluster = { [path]: parse(GOOD.split('---\n')[0] ?? '') };
    for (const line of lines) {
      const { code, stderr } = await lint(line.trim().split(/\s+/), { files, programs, cluster });
      assert.ok(code === 0 || code === 1, `${line}: ${stderr}`);
    }
  });

  test('quotes what is really found, and an annotation that works', async () => {
    const [, quote = ''] = /```\n(test\/fixtures.*?)```/s.exec(await doc) ?? [];
    const path = 'test/fixtures/manifests/podinfo.yaml';
    const podinfo = await readFile(
      join(import.meta.dirname, '../../test/fixtures/manifests/podinfo.yaml'),
      'utf8',
    );
    const { stdout } = await lint([path], { files: { [path]: podinfo } });
    assert.ok(quote.length > 0 && stdout.includes(quote), quote);

    const [, annotated = ''] = /(apiVersion: autoscaling.*?)```/s.exec(await doc) ?? [];
    const manifest = patchExemplar(`${annotated}spec: { minReplicas: 1 }\n`);
    const ignored = await lint(['-', '--fail-on', 'info'], { files: { '-': manifest } });
    assert.match(ignored.stdout, /^ignored single-replica: .*only for development\nnothing found/);
  });
});
