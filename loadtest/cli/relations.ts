import { Fault } from './fault.ts';

/**
 * What an argument requires of the others. Arguments are named as the user writes them: a flag `--keep`, a word
 * `rollout`, or a positional by its placeholder, `TYPE/NAME`.
 */
export interface Relations {
  /** None of these may be given with it. */
  readonly conflictsWith?: readonly string[];
  /** All of these must be given with it. */
  readonly needs?: readonly string[];
  /** At least one of these must be given with it. */
  readonly onlyWith?: readonly string[];
}

/**
 * The first relation that the arguments break, in words that name both sides; null: none. Pure.
 *
 * `--keep` needs `--image`; given `--keep` alone → `--keep needs --image`.
 * @param relations by argument
 * @param given names of all arguments given
 */
export function findBrokenRelation(
  relations: Readonly<Record<string, Relations>>,
  given: ReadonlySet<string>,
): string | null {
  for (const [name, { conflictsWith = [], needs = [], onlyWith = [] }] of Object.entries(relations)) {
    if (!given.has(name)) continue;
    const conflict = conflictsWith.find((other) => given.has(other));
    if (conflict !== undefined) return `${name} and ${conflict} cannot be combined`;
    const missing = needs.find((other) => !given.has(other));
    if (missing !== undefined) return `${name} needs ${missing}`;
    if (onlyWith.length > 0 && !onlyWith.some((other) => given.has(other))) {
      return `${name} works only with ${onlyWith.join(' or ')}`;
    }
  }
  return null;
}

/** @throws {Fault} where the arguments break a relation */
export function checkRelations(...args: Parameters<typeof findBrokenRelation>): void {
  const broken = findBrokenRelation(...args);
  if (broken !== null) throw new Fault(broken);
}
