import {
  array,
  count,
  type JsonSchema,
  literal,
  object,
  string,
  toDocument,
  withOptional,
} from '../report/shape.ts';
import { LINT_SCHEMA } from './report.ts';
import { SEVERITIES } from './rule.ts';

const finding = object({
  rule: string,
  severity: literal(...SEVERITIES),
  message: string,
  kind: string,
  name: string,
  namespace: string,
  path: string,
  source: string,
  lost: string,
  fix: string,
  docs: string,
});

const lint = object({
  summary: object({
    error: count,
    warning: count,
    info: count,
    ignored: count,
    workloads: array(string),
    objects: count,
    rules: count,
    unseen: array(string),
  }),
  // Objects that kustomize rendered, and those of a cluster, have no lines.
  findings: array(withOptional(finding, { line: count, column: count, ignoredBecause: string })),
});

/** The report of a lint as JSON Schema. */
export function toLintSchema(): JsonSchema {
  return toDocument(LINT_SCHEMA, 'What `dropless lint -o json` writes.', lint);
}
