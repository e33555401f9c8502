import { PROCESS_CLOCK } from '../cli/clock.ts';
import { SURGE_ADVICE } from '../proof/manifest-change.ts';
import type { Disruption, Mark, Scene } from '../proof/scene.ts';
import type { PodEvent } from '../proof/timeline.ts';
import { createFleet, type Fleet, type FleetOptions } from './fleet.ts';
import { PID_ONE_TEXTS } from './pid-one.ts';

export interface FleetDisruption {
  readonly kind: Exclude<Disruption, 'run'> | 'power-off';
  /** For `kill`: grace period 0. */
  readonly isForced: boolean;
  /** For `scale`: replicas to add, then to remove again. */
  readonly scaleBy: number;
}

/** Events come from this very process; only their delivery can be late. */
const SLACK_MS = 30;
/** Between the clocks of two threads. */
const CLOCK_SLACK_MS = 5;
/** How long a scaled-up pod gets traffic: longer than the balancer needs to learn of it. */
const SETTLE_MS = 1_500;

/** A fleet of its own for each proof, started and settled. */
export async function createFleetScene(
  options: FleetOptions,
  { kind, isForced, scaleBy }: FleetDisruption,
  signal: AbortSignal,
): Promise<Scene> {
  const events: PodEvent[] = [];
  const marks: Mark[] = [];
  const mark = (text: string) => void marks.push({ atMs: PROCESS_CLOCK.nowMs(), text });
  const fleet = await createFleet(options, {
    clock: PROCESS_CLOCK,
    signal,
    onEvent: (event) => void events.push(event),
    onMark: mark,
  });

  const disruptions: Record<FleetDisruption['kind'], (signal: AbortSignal) => Promise<void>> = {
    rollout: async () => fleet.rollout('v2'),
    scale: async (aborted) => {
      fleet.scale(options.replicas + scaleBy);
      await fleet.settled(aborted);
      await rest(SETTLE_MS, aborted);
      mark('scaled up');
      fleet.scale(options.replicas);
    },
    drain: async (aborted) => {
      await fleet.drain('node-1', aborted);
      await fleet.settled(aborted);
      mark('node-1 is drained');
      fleet.uncordon('node-1');
    },
    kill: async () => fleet.kill(fleet.pods[0] ?? '', { force: isForced }),
    'power-off': async () => fleet.powerOff('node-2'),
  };

  return {
    name: `${options.replicas} ${PID_ONE_TEXTS[options.pidOne].name}`,
    url: new URL(fleet.url),
    events,
    marks,
    gaps: [],
    slackMs: SLACK_MS,
    surgeAdvice: SURGE_ADVICE,
    podOf: ({ localPort, atMs }) =>
      localPort === null ? null : fleet.podOf(localPort, atMs + CLOCK_SLACK_MS),
    // They share an address, and have no UID.
    podNamed: () => null,
    identitiesOf: (pod) => [pod],
    disrupt: async (aborted) => {
      await disruptions[kind](aborted);
      await fleet.settled(aborted);
    },
    isTarget: () => true,
    toPatch: () => null,
    confirm: async () => {},
    close: () => closeQuietly(fleet),
  };
}

async function closeQuietly(fleet: Fleet): Promise<readonly string[]> {
  await fleet.close();
  return [];
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  signal.throwIfAborted();
}
