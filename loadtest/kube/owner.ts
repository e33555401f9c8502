import type { Field } from './field.ts';

/** The uids of what owns the object. */
export function ownerUids(object: Field): readonly string[] {
  const owners = object.get('metadata', 'ownerReferences').items();
  return owners.flatMap((owner) => owner.get('uid').text() ?? []);
}
