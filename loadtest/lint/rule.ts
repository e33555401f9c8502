import { type Field, formatPath } from '../kube/field.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Inventory } from './workload.ts';

/**
 * - `error`: an ordinary rollout, scaling or node drain loses requests, or cannot complete
 * - `warning`: requests are lost under a condition that will come: load, a slow start, the loss of a node
 * - `info`: nothing is lost by this alone, but it makes other faults cost more
 */
export const SEVERITIES = ['error', 'warning', 'info'] as const;

export type Severity = (typeof SEVERITIES)[number];

/** What a rule found: where, and with which values. */
export interface Finding {
  readonly object: KubeObject;
  readonly field: Field;
  readonly message: string;
}

/** One rule. The command, its reports, docs/lint-rules.md and the tests all come from these. */
export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong, in a few words. */
  readonly title: string;
  /** What is lost because of it, and when. */
  readonly lost: string;
  readonly fix: string;
  /** A Kubernetes document, or the source, against which a reader can check the rule. */
  readonly source: string;
  /** A pure function. */
  check(inventory: Inventory): readonly Finding[];
  /**
   * Patches of a manifest in which no rule finds anything (exemplar.ts): with `bad` only this rule finds something,
   * with `good` none does.
   */
  readonly bad: string;
  readonly good: string;
  /** What the examples assume about the cluster. */
  readonly assumes?: { readonly kubeMinor: number };
}

/** A finding with its rule, possibly ignored by the manifest's author. */
export interface Diagnosis extends Finding {
  readonly rule: Rule;
  /** Why the object's author ignores it; undefined where it counts. */
  readonly ignoredBecause: string | undefined;
}

const IGNORE_PREFIX = 'dropless/ignore.';

/** All findings, in the order of the manifests; those that annotations ignore are included, and marked. */
export function runRules(rules: readonly Rule[], inventory: Inventory): Diagnosis[] {
  const diagnoses = rules.flatMap((rule) =>
    rule.check(inventory).map((finding) => ({
      ...finding,
      rule,
      ignoredBecause: toIgnores(finding.object).find(({ id }) => id === rule.id)?.reason || undefined,
    })),
  );
  const order = new Map(inventory.objects.map((object, index) => [object, index]));
  const rank = ({ object }: Diagnosis) => order.get(object) ?? 0;
  return diagnoses.sort((a, b) => rank(a) - rank(b));
}

/** The annotations by which an object's author ignores rules: `dropless/ignore.RULE: the reason`. */
export function toIgnores({ root }: KubeObject): { field: Field; id: string; reason: string }[] {
  return root
    .get('metadata', 'annotations')
    .entries()
    .filter(([key]) => key.startsWith(IGNORE_PREFIX))
    .map(([key, field]) => ({
      field,
      id: key.slice(IGNORE_PREFIX.length),
      reason: (field.text() ?? '').trim(),
    }));
}

/** `Deployment/web spec.replicas` */
export function formatPlace({ object, field }: Finding): string {
  return `${object.kind}/${object.name} ${formatPath(field.path)}`.trim();
}
