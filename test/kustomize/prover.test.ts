import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { POSITIONALS } from '../../loadtest/commands/prove-options.ts';
import { toPermissions } from '../../loadtest/kube/permission.ts';
import { toRbacRules } from '../../loadtest/kube/rbac-rule.ts';

const read = (file: string) =>
  readFileSync(join(import.meta.dirname, '../../kustomize/components/prover', file), 'utf8');
const { spec } = parse(read('job.yaml'));
const [command, ...args]: string[] = spec.template.spec.containers[0].args;
const task = POSITIONALS.parse(args.filter((arg) => !arg.startsWith('--')));

test('the Role of prover allows what its command calls, and nothing else', () => {
  const [role, binding] = parseAllDocuments(read('role.yaml')).map((document) => document.toJS());
  assert.equal(command, 'prove');
  assert.deepEqual(
    role.rules,
    toRbacRules(
      toPermissions({
        kind: 'Deployment',
        disruptions: task.disruptions,
        hasControl: false,
        isRestored: false,
        hasHpa: true,
      }),
    ),
  );
  assert.deepEqual(binding.roleRef.name, role.metadata.name);
  assert.deepEqual(binding.subjects, [
    { kind: 'ServiceAccount', name: spec.template.spec.serviceAccountName },
  ]);
});

test('the Job of prover disrupts once', () => {
  assert.deepEqual(task.target, { type: 'Deployment', name: 'microservice-deploy' });
  assert.deepEqual([spec.backoffLimit, spec.template.spec.restartPolicy], [0, 'Never']);
});
