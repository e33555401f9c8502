import { createRequestWriter } from '../engine/request-writer.ts';
import type { LoadSpec } from '../load/load-spec.ts';
import type { DirectProbeOptions, DirectRequest } from './direct-probes.ts';

/** What direct probes ask for: what the load asks for first, if that is a GET, which changes nothing. */
export function toDirectProbeOptions({ plan, engine: { target } }: LoadSpec): DirectProbeOptions {
  return { target, request: toDirectRequest(plan, target) };
}

function toDirectRequest(
  { endpoints: [first], data }: LoadSpec['plan'],
  target: LoadSpec['engine']['target'],
): DirectRequest | null {
  if (first?.method !== 'GET') return null;
  const endpoint = { ...first, headers: { ...first.headers, 'User-Agent': 'dropless-probe' } };
  const write = createRequestWriter(
    target,
    { endpoints: [endpoint], ...(data === undefined ? {} : { data }) },
    { requestId: null, trace: null },
  );
  return {
    method: first.method,
    text: write({ index: 0, intendedMs: 0, endpoint: 0, fresh: false, row: 0 }, false),
    expectedStatus: first.expectedStatus,
  };
}
