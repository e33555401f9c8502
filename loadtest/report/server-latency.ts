import type { Endpoint } from '../engine/settlement.ts';
import type { ServerLatency } from './report.ts';

/** Labels that name the route in common instrumentations. */
const ROUTE_LABELS = ['route', 'path', 'handler', 'endpoint', 'uri'];
const METRIC = 'http_request_duration_seconds';

/** Sum and count by endpoint of the target's own histogram `http_request_duration_seconds`, over all other labels. */
function readDurations(text: string, endpoints: readonly Endpoint[]): { count: number; sumMs: number }[] {
  const totals = endpoints.map(() => ({ count: 0, sumMs: 0 }));
  for (const [, kind, labelText = '', value = ''] of text.matchAll(
    new RegExp(`^${METRIC}_(sum|count)\\{(.*)\\}[ \\t]+(\\S+)`, 'gm'),
  )) {
    const labels = new Map(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', label = '']) => [name, label]),
    );
    const route = ROUTE_LABELS.map((name) => labels.get(name)).find((label) => label !== undefined);
    const method = labels.get('method');
    const number = Number(value);
    for (const [index, endpoint] of endpoints.entries()) {
      const total = totals[index];
      if (total === undefined || route !== endpoint.path.replace(/\?.*/, '')) continue;
      if (method !== undefined && method.toUpperCase() !== endpoint.method) continue;
      if (kind === 'count') total.count += number;
      else total.sumMs += 1_000 * number;
    }
  }
  return totals;
}

/**
 * What the target measured between two readings of its metrics; null where it exposes nothing, or where the second
 * reading came from another or a restarted pod.
 */
export function toServerLatencies(
  before: { text: string; pod: string | null } | null,
  after: { text: string; pod: string | null } | null,
  endpoints: readonly Endpoint[],
): readonly ServerLatency[] | null {
  if (before === null || after === null || before.pod !== after.pod) return null;
  const earlier = readDurations(before.text, endpoints);
  const latencies = readDurations(after.text, endpoints).map((later, endpoint) => ({
    endpoint,
    count: later.count - (earlier[endpoint]?.count ?? 0),
    sumMs: later.sumMs - (earlier[endpoint]?.sumMs ?? 0),
  }));
  const isRestarted = latencies.some(({ count, sumMs }) => count < 0 || sumMs < 0);
  const measured = latencies.filter(({ count }) => count > 0);
  return isRestarted || measured.length === 0 ? null : measured;
}
