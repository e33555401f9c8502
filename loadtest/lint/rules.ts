import { CAPACITY_RULES } from './capacity-rules.ts';
import { PROBE_RULES } from './probe-rules.ts';
import { ROLLOUT_RULES } from './rollout-rules.ts';
import { type Rule, toIgnores } from './rule.ts';
import { SERVICE_RULES } from './service-rules.ts';
import { SHUTDOWN_RULES } from './shutdown-rules.ts';

const IGNORE_WITHOUT_REASON: Rule = {
  id: 'ignore-without-reason',
  severity: 'warning',
  title: 'A rule is ignored without a reason, or does not exist',
  lost: 'The annotation has no effect, or hides a finding for reasons that nobody can check later.',
  fix: 'Put the id of a rule in the annotation’s key, and the reason in its value.',
  source: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/',
  check: ({ objects }) =>
    objects.flatMap((object) =>
      toIgnores(object).flatMap(({ field, id, reason }) => {
        if (!LINT_RULES.some((rule) => rule.id === id)) {
          return [{ object, field, message: `there is no rule ${JSON.stringify(id)}` }];
        }
        return reason === '' ? [{ object, field, message: `no reason is given to ignore ${id}` }] : [];
      }),
    ),
  bad: `
kind: Deployment
metadata: { annotations: { dropless/ignore.single-replica: "" } }
`,
  good: `
kind: HorizontalPodAutoscaler
metadata: { annotations: { dropless/ignore.single-replica: for development } }
spec: { minReplicas: 1 }
`,
};

/** Every rule of `dropless lint`. */
export const LINT_RULES: readonly Rule[] = [
  ...SHUTDOWN_RULES,
  ...PROBE_RULES,
  ...ROLLOUT_RULES,
  ...CAPACITY_RULES,
  ...SERVICE_RULES,
  IGNORE_WITHOUT_REASON,
];
