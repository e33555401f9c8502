import { type Json, textAt } from './json.ts';

/** Is told of each change of an object: as it is now, or as it was last. */
export type OnChange = (change: 'seen' | 'deleted', object: Json) => void;

/** A list as the API server gives it. */
export interface ObjectList {
  readonly items: readonly Json[];
  readonly version: string;
}

/** What a watch knows: every object of one path, as it was seen last. */
export interface KnownObjects {
  see(object: Json): void;
  forget(object: Json): void;
  /** All that there is: what is known besides is gone. */
  replace(items: readonly Json[]): void;
  /** Is there a listed object that is not known as new as that, or a known one that was gone when the list was made? */
  isBehind(list: ObjectList): boolean;
}

/** @param onChange told of no version of an object twice */
export function createKnownObjects(onChange: OnChange): KnownObjects {
  const known = new Map<string, Json>();

  function see(object: Json): void {
    const key = toKey(object);
    const last = known.get(key);
    if (last !== undefined && toVersion(last) === toVersion(object)) return;
    known.set(key, object);
    onChange('seen', object);
  }

  function forget(object: Json): void {
    if (known.delete(toKey(object))) onChange('deleted', object);
  }

  return {
    see,
    forget,
    replace(items) {
      const keys = new Set(items.map(toKey));
      for (const [key, object] of known) if (!keys.has(key)) forget(object);
      for (const item of items) see(item);
    },
    isBehind({ items, version }) {
      const keys = new Set(items.map(toKey));
      return (
        items.some((item) => isNewer(item, known.get(toKey(item)))) ||
        [...known].some(([key, object]) => !keys.has(key) && Number(toVersion(object)) <= Number(version))
      );
    },
  };
}

/** The resourceVersion of an object or a list; '': it has none. */
export function toVersion(object: Json): string {
  return textAt(object, 'metadata', 'resourceVersion') ?? '';
}

function toKey(object: Json): string {
  return `${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}/${textAt(object, 'metadata', 'uid')}`;
}

/** Resource versions are comparable as integers since Kubernetes 1.35, and were so in practice before. */
function isNewer(listed: Json, seen: Json | undefined): boolean {
  return seen === undefined || Number(toVersion(listed)) > Number(toVersion(seen));
}
