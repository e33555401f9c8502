/** A label over a time span: from `fromMs` until the next phase starts. */
export interface Phase {
  readonly name: string;
  /** Ms since the load began. */
  readonly fromMs: number;
}

/** The phases of a load, which grow while it runs. */
export interface Phases {
  readonly list: readonly Phase[];
  /** Starts a phase; it must not begin before the one before. */
  start(phase: Phase): void;
  /** Name of the phase at that time; empty before the first. */
  at(ms: number): string;
}

export function createPhases(known: readonly Phase[]): Phases {
  const list = [...known];
  return {
    list,
    start: (phase) => void list.push(phase),
    at: (ms) => list.findLast(({ fromMs }) => fromMs <= ms)?.name ?? '',
  };
}
