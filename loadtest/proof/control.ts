/** One safeguard taken away for one run. */
interface Control {
  /** What the target lacks then. */
  readonly lacks: string;
  /** How it is taken away from a Deployment. */
  readonly onCluster: string;
  /** How it is taken away from the local fleet. */
  readonly onFleet: string;
}

/** The negative controls: with a safeguard gone more must be lost than with it, or it is not shown to matter. */
export const CONTROLS = {
  preStop: {
    lacks: 'the wait before SIGTERM, in which every node learns that the pod is leaving',
    onCluster: 'removes lifecycle.preStop',
    onFleet: 'sends SIGTERM at once',
  },
  'lame-duck': {
    lacks: 'the time after SIGTERM in which answers carry `Connection: close`',
    onCluster: 'sets LAME_DUCK_MS=0, if the container is known to read it',
    onFleet: 'sets LAME_DUCK_MS=0',
  },
  readiness: {
    lacks: 'the probe that keeps traffic from a pod that cannot serve yet',
    onCluster: 'removes the readiness and startup probes',
    onFleet: 'takes a pod as ready when its process runs',
  },
  'in-flight': {
    lacks: 'the wait for requests that are still in flight when the lame duck is over',
    onCluster: 'sets DRAIN_TIMEOUT_MS=0, if the container is known to read it',
    onFleet: 'sets DRAIN_TIMEOUT_MS=0',
  },
} as const satisfies Record<string, Control>;

/**
 * Either of them keeps a pod serving while its endpoints go, so that each may hide that the other is missing. Where
 * one alone loses nothing, both together are tried.
 */
export const SUBSTITUTES = ['preStop', 'lame-duck'] as const satisfies readonly (keyof typeof CONTROLS)[];

export type ControlId = keyof typeof CONTROLS;

export const CONTROL_IDS = Object.keys(CONTROLS) as readonly ControlId[];

/** The environment that takes these safeguards of this service away. */
export function toControlEnv(without: readonly ControlId[]): Readonly<Record<string, string>> {
  return {
    ...(without.includes('lame-duck') ? { LAME_DUCK_MS: '0' } : {}),
    ...(without.includes('in-flight') ? { DRAIN_TIMEOUT_MS: '0' } : {}),
  };
}

/** `preStop and lame-duck`. */
export function nameControls(without: readonly ControlId[]): string {
  return without.join(' and ');
}

export function describeControls(without: readonly ControlId[]): string {
  return without.map((control) => CONTROLS[control].lacks).join(', and ');
}
