/** A pod of a StatefulSet comes back under its own name, as another pod: what tells them apart is the UID. */
export interface Incarnations {
  /**
   * What the pod is called here: its name, or `web-0 (2)` for the second that is seen with it.
   * @param uid undefined: not known, and then it is the last of that name
   */
  idOf(name: string, uid: string | undefined): string;
  /** Drops the names that none of these pods has. */
  keepOnly(ids: ReadonlySet<string>): void;
}

export function createIncarnations(): Incarnations {
  /** UIDs by name, in the order in which they were seen. */
  const seen = new Map<string, string[]>();
  return {
    idOf(name, uid) {
      const uids = seen.get(name) ?? [];
      seen.set(name, uids);
      if (uid !== undefined && !uids.includes(uid)) uids.push(uid);
      const number = uid === undefined ? uids.length : uids.indexOf(uid) + 1;
      return number <= 1 ? name : `${name} (${number})`;
    },
    keepOnly(ids) {
      const names = new Set([...ids].map(toPodName));
      for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
    },
  };
}

/** The name of the pod that is called so. */
export function toPodName(id: string): string {
  return id.replace(/ \(\d+\)$/, '');
}
