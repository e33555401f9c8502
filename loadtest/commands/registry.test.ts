import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWorld } from '../../test/fixtures/world.ts';
import { toFlag } from '../cli/option.ts';
import { runCli } from '../cli/program.ts';
import { COMMANDS } from './registry.ts';

async function call(args: readonly string[], columns: number) {
  const { world, out } = createWorld({ columns });
  return { code: await runCli({ version: '0', commands: COMMANDS }, args, world), ...out };
}

const NAMES = COMMANDS.map(({ name }) => name);

describe('--help', () => {
  for (const columns of [80, 100]) {
    for (const args of [['--help'], ...NAMES.map((name) => [name, '--help'])]) {
      test(`dropless ${args.join(' ')} keeps to ${columns} columns`, async () => {
        const { code, stdout } = await call(args, columns);
        assert.equal(code, 0);
        assert.ok(stdout.split('\n').length > 10, stdout);
        assert.deepEqual(
          stdout.split('\n').filter((line) => line.length > columns),
          [],
        );
      });
    }
  }

  for (const command of COMMANDS) {
    test(`dropless ${command.name} --help has every flag under a heading, and the exit codes`, async () => {
      const { stdout } = await call([command.name, '--help'], 80);
      for (const [flag, { group, placeholder, file }] of Object.entries(command.options)) {
        assert.ok(group !== null, flag);
        assert.equal(placeholder === 'FILE', file !== null, flag);
        assert.ok(stdout.includes(`\n${group}:\n`), group);
        assert.match(stdout, new RegExp(`^ {2}(-\\w, )?--${flag}( |$)`, 'm'));
      }
      assert.match(stdout, /^Exit codes:\n {2}0 {2}proven/m);
      assert.match(stdout, /^Examples:\n {2}# /m);
      assert.doesNotMatch(stdout, /\bas '|so many|undefined/);
    });
  }
});

describe('relations', () => {
  const isKnown = (name: string, command: (typeof COMMANDS)[number]) =>
    name.startsWith('--')
      ? Object.hasOwn(command.options, name.slice(2))
      : command.placeholder.split(/[|. [\]]+/).includes(name);

  for (const command of COMMANDS) {
    test(`those of ${command.name} name arguments that there are`, () => {
      const flags = Object.entries(command.options).map(([flag, option]) => [toFlag(flag), option] as const);
      for (const [name, relations] of [...flags, ...Object.entries(command.relations ?? {})]) {
        assert.ok(isKnown(name, command), name);
        const { conflictsWith = [], needs = [], onlyWith = [] } = relations;
        for (const other of [...conflictsWith, ...needs, ...onlyWith]) {
          assert.ok(isKnown(other, command), `${name}: ${other}`);
        }
      }
    });
  }

  for (const [line, message] of [
    ['run http://x --stage 1/1s --rate 5', '--rate and --stage cannot be combined'],
    ['run http://x --stage 1/1s --duration 5s', '--duration and --stage cannot be combined'],
    ['run http://x --stage 1/1s --closed 5', '--closed and --stage cannot be combined'],
    ['run http://x --closed 5 --rate 5', '--rate and --closed cannot be combined'],
    [
      'run http://x --server-metrics /m --no-server-metrics',
      '--no-server-metrics and --server-metrics cannot be combined',
    ],
    ['prove run', 'run needs --do'],
    ['prove rollout deploy/a --do true', '--do needs run'],
    ['prove run --do true', '--do needs TYPE/NAME'],
    ['prove kill --url http://x', '--url needs TYPE/NAME'],
    ['prove kill -n shop', '--namespace needs TYPE/NAME'],
    ['prove kill --kubeconfig k', '--kubeconfig needs TYPE/NAME'],
    ['prove kill deploy/a --replicas 3', '--replicas and TYPE/NAME cannot be combined'],
    ['prove kill deploy/a --local', '--local and TYPE/NAME cannot be combined'],
    ['prove kill deploy/a --node n', '--node works only with drain'],
    ['prove drain --node n', '--node needs TYPE/NAME'],
    ['prove drain deploy/a --image i', '--image works only with rollout'],
    ['prove rollout deploy/a --keep', '--keep needs --image'],
    ['prove rollout --by 3', '--by works only with scale'],
    ['prove rollout --force', '--force works only with kill'],
    ['prove rollout --without preStop --with-controls', '--without and --with-controls cannot be combined'],
    ['contract pod/a', 'pod/NAME needs --url'],
    ['contract --url http://x', '--url needs pod/NAME'],
    ['contract --container web', '--container needs pod/NAME'],
    ['contract pod/a --url http://x --command y', '--command and pod/NAME cannot be combined'],
    ['lint a.yaml --context c', '--context needs TYPE/NAME'],
  ] as const) {
    test(`dropless ${line}: ${message}`, async () => {
      assert.deepEqual(await call(line.split(' '), 80), {
        code: 2,
        stdout: '',
        stderr: `dropless: ${message}\n`,
      });
    });
  }
});

describe('what is mistyped or no more', () => {
  for (const [line, message] of [
    ['prov rollout', "unknown command 'prov' (Did you mean prove?)"],
    ['prove rollout --loca', "unknown option '--loca' (Did you mean --local?)"],
    ['prove rollout --namspace shop', "unknown option '--namspace' (Did you mean --namespace?)"],
    [
      'prove rolout',
      '"rolout" is neither a disruption (rollout, scale, drain, kill, run) nor a target (TYPE/NAME, for example deploy/web)',
    ],
    ['prove deploy/web', 'which disruption? There are rollout, scale, drain, kill, run'],
    ['prove kill deploy/a deploy/b', 'unexpected argument "Deployment/b"'],
    [
      'prove kill po/a',
      'Pod a cannot be disrupted by itself: name its workload, for example deploy/web, or its Service, for example svc/web',
    ],
    [
      'lint rollout/a',
      'Rollout a cannot be linted: Deployments, StatefulSets and DaemonSets can, for example deploy/web',
    ],
    [
      'contract deploy/a',
      'Deployment a cannot be checked against the contract: Pods can, for example po/web',
    ],
    [
      'prove kill deploy/a --without preStop=500ms',
      '--without preStop=500ms: on a cluster, preStop sleeps for whole seconds',
    ],
    [
      'prove rollout --deployment web',
      '--deployment no longer exists: name the target as kubectl does, for example dropless prove rollout deploy/web',
    ],
    [
      'prove rollout --control preStop',
      '--control no longer exists: use --without SAFEGUARD, for example --without preStop',
    ],
    [
      'lint --deployment web',
      '--deployment no longer exists: name the target as kubectl does, for example dropless lint deploy/web',
    ],
    ['lint a --format json', '--format no longer exists: use -o, --output'],
    [
      'contract --pod a',
      '--pod no longer exists: name the pod as kubectl does, for example dropless contract pod/NAME --url URL',
    ],
    ['run http://x --engine http', '--engine no longer exists: there is only the exact engine'],
  ] as const) {
    test(`dropless ${line}`, async () => {
      assert.deepEqual(await call(line.split(' '), 80), {
        code: 2,
        stdout: '',
        stderr: `dropless: ${message}\n`,
      });
    });
  }
});
