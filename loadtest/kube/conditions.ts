import type { Field } from './field.ts';

/** The condition of that type in an object's status. */
export function findCondition(object: Field, type: string): Field | undefined {
  const conditions = object.get('status', 'conditions').items();
  return conditions.find((condition) => condition.get('type').text() === type);
}

/** Is this pod, or this node, ready by its own conditions? */
export function isReady(object: Field): boolean {
  return findCondition(object, 'Ready')?.get('status').text() === 'True';
}

/** Has the object been deleted, and is it terminating? */
export function isTerminating(object: Field): boolean {
  return object.get('metadata', 'deletionTimestamp').exists;
}
