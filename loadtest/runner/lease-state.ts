import type { Field } from '../kube/field.ts';
import { LEASE_SECONDS } from './runner-objects.ts';

/** What a runner knows of its caller. Times are ms on its own clock: the caller's may differ. */
export interface CallerSighting {
  /** As the Lease had it last; null: it was not read yet. */
  readonly renewTime: string | null;
  /** When that was new. */
  readonly seenMs: number;
}

/** Why the runner shall end; null: it shall go on. */
export type CallerEnd = 'the caller asks for it' | 'the caller is gone' | null;

/**
 * What the Lease says now, and whether that ends the runner. A Lease that nobody holds was given back; one that is not
 * renewed in time belongs to a caller that was killed, or cannot be reached.
 * @param lease null: there is none any more
 */
export function toCallerSighting(
  lease: Field | null,
  before: CallerSighting,
  nowMs: number,
): { readonly sighting: CallerSighting; readonly end: CallerEnd } {
  if (lease === null) return { sighting: before, end: 'the caller is gone' };
  const spec = lease.get('spec');
  if ((spec.get('holderIdentity').text() ?? '') === '') {
    return { sighting: before, end: 'the caller asks for it' };
  }
  const renewTime = spec.get('renewTime').text() ?? null;
  const sighting = renewTime === before.renewTime ? before : { renewTime, seenMs: nowMs };
  const isLapsed = nowMs - sighting.seenMs > LEASE_SECONDS * 1_000;
  return { sighting, end: isLapsed ? 'the caller is gone' : null };
}
