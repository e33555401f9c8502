/** One safeguard taken away for one run. */
interface Control {
  /** What the target lacks then. */
  readonly lacks: string;
  /** How it is taken away from a Deployment. */
  readonly onCluster: string;
  /** How it is taken away from the local fleet. */
  readonly onFleet: string;
}

/** The negative controls: with a safeguard gone the proof must turn red, or the safeguard is not shown to matter. */
export const CONTROLS = {
  preStop: {
    lacks: 'the wait before SIGTERM, in which every node learns that the pod is leaving',
    onCluster: 'removes lifecycle.preStop',
    onFleet: 'sends SIGTERM at once',
  },
  'lame-duck': {
    lacks: 'the time after SIGTERM in which answers carry `Connection: close`',
    onCluster: 'sets LAME_DUCK_MS=0',
    onFleet: 'sets LAME_DUCK_MS=0',
  },
  readiness: {
    lacks: 'the probe that keeps traffic from a pod that cannot serve yet',
    onCluster: 'removes the readiness and startup probes',
    onFleet: 'takes a pod as ready when its process runs',
  },
  'in-flight': {
    lacks: 'any wait for requests in flight; a lame duck waits as well, so it goes too',
    onCluster: 'sets DRAIN_TIMEOUT_MS=0 and LAME_DUCK_MS=0',
    onFleet: 'sets DRAIN_TIMEOUT_MS=0 and LAME_DUCK_MS=0',
  },
} as const satisfies Record<string, Control>;

export type ControlId = keyof typeof CONTROLS;

export const CONTROL_IDS = Object.keys(CONTROLS) as readonly ControlId[];

/** The environment that takes a safeguard of this service away. */
export function toControlEnv(control: ControlId | null): Readonly<Record<string, string>> {
  if (control === 'lame-duck') return { LAME_DUCK_MS: '0' };
  if (control === 'in-flight') return { LAME_DUCK_MS: '0', DRAIN_TIMEOUT_MS: '0' };
  return {};
}
