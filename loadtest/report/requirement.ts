import { parseDurationMs } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import type { Cell, LoadRecord } from '../load/record.ts';
import {
  findMetric,
  listMetrics,
  type Metric,
  type MetricSource,
  toMetricSource,
  type Unit,
} from './metric.ts';

const COMPARISONS: Readonly<Record<string, (actual: number, limit: number) => boolean>> = {
  '==': (actual, limit) => actual === limit,
  '<=': (actual, limit) => actual <= limit,
  '>=': (actual, limit) => actual >= limit,
  '<': (actual, limit) => actual < limit,
  '>': (actual, limit) => actual > limit,
};

const VALUES: Readonly<Record<Unit, { example: string; parse(text: string): number | null }>> = {
  time: { example: '50ms', parse: parseDurationMs },
  count: { example: '0', parse: (text) => (/^\d+$/.test(text) ? Number(text) : null) },
  percent: {
    example: '0.1%',
    parse: (text) => (/^(\d+\.?\d*|\.\d+)%$/.test(text) ? Number.parseFloat(text) : null),
  },
  perSecond: {
    example: '100/s',
    parse: (text) => (/^(\d+\.?\d*|\.\d+)\/s$/.test(text) ? Number.parseFloat(text) : null),
  },
};

/** `METRIC[(SCOPE)] COMPARISON VALUE`, for example `p99(/payload) < 50ms` or `p99(during) < 80ms`. */
export interface Requirement {
  /** As written by the user. */
  readonly text: string;
  /** Name of an endpoint or of a phase; null: all requests together. */
  readonly scope: string | null;
  readonly metric: Metric;
  isMetBy(value: number): boolean;
}

/** @throws {Fault} that names the place, counted in characters from 1 */
export function parseRequirement(text: string): Requirement {
  const [, before = '', name = '', scope, gap = '', comparison = '', space = '', value = ''] =
    /^(\s*)([\w.]*)(?:\(([^()]*)\))?(\s*)([<>=!]*)(\s*)(.*?)\s*$/.exec(text) ?? [];
  const scopeLength = scope === undefined ? 0 : scope.length + 2;
  const comparisonAt = before.length + name.length + scopeLength + gap.length;

  const metric = findMetric(name);
  if (metric === null) {
    const names = listMetrics().map((listed) => listed.name);
    throw fault(before.length, `${JSON.stringify(name)} is not a metric; there are ${names.join(', ')}`);
  }
  const compare = Object.hasOwn(COMPARISONS, comparison) ? COMPARISONS[comparison] : undefined;
  if (compare === undefined) {
    throw fault(comparisonAt, `expected one of ${Object.keys(COMPARISONS).join(' ')}`);
  }
  const { example, parse } = VALUES[metric.unit];
  const limit = parse(value);
  if (limit === null) {
    const at = comparisonAt + comparison.length + space.length;
    throw fault(at, `expected a value such as ${example}, not ${JSON.stringify(value)}`);
  }
  return { text, scope: scope ?? null, metric, isMetBy: (actual) => compare(actual, limit) };
}

function fault(offset: number, message: string): Fault {
  return new Fault(`at character ${offset + 1}: ${message}`);
}

/** `unknown`: nothing was measured that could meet or miss it. */
export interface RequirementResult {
  readonly text: string;
  readonly unit: Unit;
  /** In the metric's unit, times in ms; null: nothing to measure. */
  readonly actual: number | null;
  readonly state: 'met' | 'missed' | 'unknown';
}

export function judgeRequirement(
  { text, metric, isMetBy }: Requirement,
  source: MetricSource,
): RequirementResult {
  const actual = metric.read(source);
  if (!Number.isFinite(actual)) return { text, unit: metric.unit, actual: null, state: 'unknown' };
  return { text, unit: metric.unit, actual, state: isMetBy(actual) ? 'met' : 'missed' };
}

/** Each requirement, over the requests in its scope. A scope without requests leaves nothing to measure. */
export function judgeRequirements(
  requirements: readonly Requirement[],
  { cells }: Pick<LoadRecord, 'cells'>,
  endpoints: readonly string[],
  durationMs: number,
): RequirementResult[] {
  return requirements.map((requirement) => {
    const { scope } = requirement;
    const isInScope = ({ endpoint, phase }: Cell) =>
      scope === null || endpoints[endpoint] === scope || phase === scope;
    return judgeRequirement(requirement, toMetricSource(cells.filter(isInScope), durationMs));
  });
}

/**
 * @param names the endpoints and phases that exist
 * @throws {Fault} where a scope is none of them
 */
export function checkScopes(requirements: readonly Requirement[], names: readonly string[]): void {
  for (const { text, scope } of requirements) {
    if (scope === null || names.includes(scope)) continue;
    throw new Fault(
      `--require ${JSON.stringify(text)}: ${JSON.stringify(scope)} is neither an endpoint nor a phase of this load; there are ${names.join(', ')}`,
    );
  }
}
