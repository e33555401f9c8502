import { Field } from './field.ts';
import type { Json } from './json.ts';
import { ownerUids } from './owner.ts';

/** Which of the pods behind a Service are of one workload. Told in any order. */
export interface Ownership {
  seePod(id: string, pod: Json): void;
  seeReplicaSet(replicaSet: Json): void;
  /** Drops the pods that are not among these. */
  keepOnly(ids: ReadonlySet<string>): void;
  /** Is it a pod of the workload, or of a ReplicaSet of it? */
  isOwn(id: string): boolean;
}

/** @param uid of the workload */
export function createOwnership(uid: string): Ownership {
  const owners = new Map<string, readonly string[]>();
  const own = new Set([uid]);
  return {
    seePod: (id, pod) => void owners.set(id, ownerUids(new Field(pod))),
    seeReplicaSet(object) {
      const replicaSet = new Field(object);
      const its = replicaSet.get('metadata', 'uid').text();
      if (its !== undefined && ownerUids(replicaSet).includes(uid)) own.add(its);
    },
    keepOnly(ids) {
      for (const id of owners.keys()) if (!ids.has(id)) owners.delete(id);
    },
    isOwn: (id) => owners.get(id)?.some((owner) => own.has(owner)) === true,
  };
}
