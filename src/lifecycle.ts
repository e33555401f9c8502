/** The states of a process, in their order: each is entered at most once. */
export const STATES = ['starting', 'ready', 'draining', 'closed'] as const;

/**
 * Where the process stands. While draining, the lame duck still accepts connections; finishing only answers
 * what is in flight.
 */
export type LifecycleState =
  | { readonly state: 'starting' | 'ready' | 'closed' }
  | { readonly state: 'draining'; readonly step: 'lame-duck' | 'finishing' };

export interface Lifecycle {
  readonly current: LifecycleState;
  /** Whether every response has to carry `Connection: close`. */
  readonly isDraining: boolean;
  /** Time since the drain began, in ms; 0 before it. */
  drainMs(): number;
  /**
   * Moves on.
   *
   * @throws RangeError if the process is past that state: there is no way back.
   */
  enter(next: LifecycleState): void;
}

const ORDER = ['starting', 'ready', 'lame-duck', 'finishing', 'closed'];

/**
 * @param now a monotonic clock, in ms.
 * @param onChange told of every state entered: the log.
 */
export function createLifecycle(now: () => number, onChange: (state: LifecycleState) => void): Lifecycle {
  let current: LifecycleState = { state: 'starting' };
  let drainStartMs: number | undefined;
  let isDraining = false;
  return {
    get current() {
      return current;
    },
    get isDraining() {
      return isDraining;
    },
    drainMs: () => (drainStartMs === undefined ? 0 : now() - drainStartMs),
    enter(next) {
      if (rank(next) <= rank(current)) {
        throw new RangeError(`lifecycle cannot go from ${describe(current)} to ${describe(next)}`);
      }
      if (next.state === 'draining') {
        isDraining = true;
        drainStartMs ??= now();
      }
      current = next;
      onChange(next);
    },
  };
}

function describe(state: LifecycleState): string {
  return 'step' in state ? state.step : state.state;
}

function rank(state: LifecycleState): number {
  return ORDER.indexOf(describe(state));
}
