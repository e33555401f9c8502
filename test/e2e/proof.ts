import { openCluster } from '../../loadtest/kube/cluster.ts';
import { type ClusterOptions, createClusterScene } from '../../loadtest/kube/cluster-scene.ts';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { createProgressLog } from '../../loadtest/proof/progress.ts';
import { carryOut } from '../../loadtest/proof/proof.ts';
import { DEFAULT_LOAD, type ProofLoad, toLoadSpec } from '../../loadtest/proof/proof-load.ts';
import { saw } from './figures.ts';
import { DEPLOYMENT_NAME } from './target.ts';

/** What a machine of two cores carries beside the cluster: a request that waits for the processor is not lost. */
export const SUITE_LOAD = { rate: 200, timeoutMs: 10_000 } as const;
/** Load before a disruption and after it. */
const EDGE_MS = 2_000;
const CURRENT_CONTEXT = { context: undefined, kubeconfig: undefined, namespace: undefined };

/** What is not said is as `dropless prove` has it. */
export type Attempt = Pick<ClusterOptions, 'disruption'> &
  Partial<ClusterOptions> & {
    readonly load?: Partial<ProofLoad>;
    readonly edgeMs?: number;
    readonly signal?: AbortSignal;
  };

/** One proof of this project's Deployment in a namespace: as the command makes it, disrupted by any function. */
export async function prove(namespace: string, attempt: Attempt): Promise<Proof> {
  const { load, edgeMs = EDGE_MS, signal = new AbortController().signal, ...given } = attempt;
  const options: ClusterOptions = {
    namespace,
    workload: { kind: 'Deployment', name: DEPLOYMENT_NAME },
    service: null,
    container: null,
    url: null,
    checkReachable: async () => {},
    toProbes: null,
    without: [],
    undertaking: { disruptions: [attempt.disruption], hasControl: false, isRestored: false },
    isForced: false,
    image: null,
    isImageKept: false,
    scaleBy: 2,
    node: null,
    run: async () => {},
    ...given,
  };
  const opening = await createClusterScene(
    (await openCluster(CURRENT_CONTEXT, process.env)).api,
    options,
    signal,
    saw,
  );
  if (opening.kind !== 'open') throw new Error(opening.reason);
  const { scene } = opening;
  const log = createProgressLog({ write: (line) => saw(line.trimEnd()), isTerminal: false, columns: 80 }, {});
  const proof = await carryOut(
    {
      disruption: options.disruption,
      without: options.without,
      allowed: [],
      baselineMs: edgeMs,
      requirements: [],
      tailMs: edgeMs,
    },
    toLoadSpec(scene.url, { ...DEFAULT_LOAD, ...SUITE_LOAD, ...load }),
    scene,
    signal,
    log.show,
  );
  saw(proof.verdict.sentence);
  return proof;
}
