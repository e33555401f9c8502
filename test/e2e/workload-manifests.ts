import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import type { WorkloadKind } from '../../loadtest/kube/workload-kind.ts';
import { run } from './cluster.ts';

interface KubeManifest {
  kind: string;
  apiVersion: string;
  metadata: { name: string; namespace?: string };
  spec: Record<string, unknown>;
}

/** One workload in the place of the Deployment, and what its spec has besides selector and template. */
export interface Variant {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Fields of a Deployment's spec that every kind has. */
const SHARED = ['selector', 'template', 'revisionHistoryLimit'];
/** What is about the Deployment by its name. */
const OF_DEPLOYMENT = ['Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget', 'Namespace'];

/** All that an overlay renders to, with other workloads in the place of its Deployment, for `kubectl apply -f -`. */
export async function renderVariants(overlay: string, variants: readonly Variant[]): Promise<string> {
  const { code, stdout, stderr } = await run('kustomize', ['build', overlay]);
  assert.equal(code, 0, stderr);
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as KubeManifest);
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  assert.ok(deployment !== undefined);
  const shared = Object.fromEntries(Object.entries(deployment.spec).filter(([key]) => SHARED.includes(key)));
  const items = [
    ...objects.filter(({ kind }) => !OF_DEPLOYMENT.includes(kind)),
    ...variants.map(({ kind, name, spec }) => ({
      apiVersion: kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1',
      kind,
      metadata: { ...deployment.metadata, name },
      spec: { ...shared, ...spec },
    })),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
