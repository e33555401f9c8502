import { createRequestWriter } from '../engine/request-writer.ts';
import { followHeaderFile } from '../load/header-file.ts';
import type { LoadSpec } from '../load/load-spec.ts';
import type { DirectProbeOptions, DirectRequest } from './direct-probes.ts';

/** Where the load has none of its own. */
const OWN_HEADERS = { 'User-Agent': 'dropless-probe' };

/**
 * What direct probes ask for: what the load asks for first, if that is a GET, which changes nothing.
 * @param readText reads the file of `--header-file` again
 */
export function toDirectProbeOptions(
  spec: LoadSpec,
  readText: (path: string) => Promise<string>,
): DirectProbeOptions {
  return { target: spec.engine.target, request: toDirectRequest(spec, readText) };
}

function toDirectRequest(
  { plan, engine: { target }, headerFile }: LoadSpec,
  readText: (path: string) => Promise<string>,
): DirectRequest | null {
  const {
    endpoints: [first],
    data,
  } = plan;
  if (first?.method !== 'GET') return null;
  // What is wrong with the file is told by the load.
  const live = headerFile === undefined ? null : followHeaderFile(headerFile, readText, () => {});
  const write = createRequestWriter(
    target,
    { endpoints: [first], ...(data === undefined ? {} : { data }) },
    { requestId: null, trace: null },
    () => ({ ...OWN_HEADERS, ...live?.current }),
  );
  return {
    method: first.method,
    toText: () => write({ index: 0, intendedMs: 0, endpoint: 0, fresh: false, row: 0 }, false),
    refresh: () => void live?.look(),
    expectedStatus: first.expectedStatus,
  };
}
