import { toLintSchema } from '../loadtest/lint/report-schema.ts';
import { toObservationSchema } from '../loadtest/observe/observation-report.ts';
import { toProofSchema } from '../loadtest/proof/proof-report.ts';
import { toComparisonSchema } from '../loadtest/report/comparison-schema.ts';
import { toRunSchema } from '../loadtest/report/findings-shape.ts';
import type { JsonSchema } from '../loadtest/report/shape.ts';

/** Of every report that `dropless` writes as JSON. The package has each as a file. */
export const SCHEMAS: readonly JsonSchema[] = [
  toRunSchema(),
  toProofSchema(),
  toObservationSchema(),
  toComparisonSchema(),
  toLintSchema(),
];

/** From the project's root: `dropless.proof/4` is `loadtest/schemas/proof-4.json`. */
export function toSchemaPath({ title }: JsonSchema): string {
  return `loadtest/schemas/${String(title)
    .replace(/^dropless\./, '')
    .replace('/', '-')}.json`;
}
