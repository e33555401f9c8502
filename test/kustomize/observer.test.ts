import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { runCli } from '../../loadtest/cli/program.ts';
import { observe } from '../../loadtest/commands/observe.ts';
import { TO_FIND_WORKLOADS, toObserverPermissions } from '../../loadtest/kube/permission.ts';
import { toRbacRules } from '../../loadtest/kube/rbac-rule.ts';
import { parseListenAddress } from '../../loadtest/report/metrics-server.ts';
import { createWorld } from '../fixtures/world.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, 'kustomize/components/observer', file), 'utf8');
const { spec } = parse(read('deployment.yaml'));
const pod = spec.template.spec;
const [container] = pod.containers;
const args: string[] = container.args;

test('the Role of observer allows what its command calls, and nothing else', () => {
  const [role, binding] = parseAllDocuments(read('role.yaml')).map((document) => document.toJS());
  assert.equal(args[0], 'observe');
  assert.deepEqual(
    role.rules,
    toRbacRules([
      ...TO_FIND_WORKLOADS,
      ...toObserverPermissions({
        kind: 'Deployment',
        hasHpa: true,
        tellsEvents: args.includes('--events'),
      }),
    ]),
  );
  assert.deepEqual(binding.roleRef.name, role.metadata.name);
  assert.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name: pod.serviceAccountName }]);
});

test('the command line of observer is one that the program takes', async () => {
  const { world, out } = createWorld();
  // All is right as far as the cluster, of which there is none.
  await runCli({ version: '0', commands: [observe] }, args, world);
  assert.match(out.stderr, /^dropless: no cluster is configured/);
});

test('Prometheus and the kubelet ask observer where it listens', () => {
  const [metrics] = args.flatMap((arg) => /^--metrics=(.*)$/.exec(arg)?.[1] ?? []);
  const { host, port } = parseListenAddress(metrics ?? '');
  assert.equal(host, null);
  assert.deepEqual(container.ports, [{ name: 'metrics', containerPort: port }]);
  assert.equal(container.readinessProbe.httpGet.port, 'metrics');
  const monitor = parse(read('pod-monitor.yaml')).spec;
  assert.equal(monitor.podMetricsEndpoints[0].port, 'metrics');
  assert.deepEqual(monitor.selector, spec.selector);
});

test('there is one observer at a time, and the Service does not lead to it', () => {
  assert.deepEqual([spec.replicas, spec.strategy], [1, { type: 'Recreate' }]);
  const service = parse(readFileSync(join(ROOT, 'kustomize/base/service.yaml'), 'utf8'));
  assert.ok(
    Object.entries(service.spec.selector).some(
      ([label, value]) => spec.template.metadata.labels[label] !== value,
    ),
  );
});

test('docs/observe.md has the alerts and their expressions', () => {
  const page = readFileSync(join(ROOT, 'docs/observe.md'), 'utf8');
  const { rules }: { rules: { alert: string; expr: string }[] } = parse(read('rules.yaml')).groups[0];
  const shown = [...page.matchAll(/^\| `(\w+)` +\| `(.+)`/gm)].map(([, alert, expr]) => ({ alert, expr }));
  assert.deepEqual(
    shown.filter(({ expr }) => expr?.includes('job="observer"')),
    rules.map(({ alert, expr }) => ({ alert, expr })),
  );
});
