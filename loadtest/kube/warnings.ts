import type { Mark } from '../proof/scene.ts';
import { type Json, textAt } from './json.ts';

/** Tells the warnings about the objects of a workload, and none about others. */
export interface Warnings {
  /** From here on the object with that uid is of the workload. What it was warned of before is told. */
  adopt(uid: string | null): void;
  /** The object with that uid is gone; for a while there may still be warnings about it. */
  leave(uid: string | null, atMs: number): void;
  /** Drops what was left, and what others were warned of, by then. */
  forgetPast(beforeMs: number): void;
  /** @param event of the type Warning */
  hear(event: Json, atMs: number): void;
}

export function createWarnings(tell: (mark: Mark) => void): Warnings {
  const own = new Set<string>();
  const left = new Map<string, number>();
  /** Of others, by uid: a warning may come before what it is about. */
  const foreign = new Map<string, Mark[]>();
  return {
    adopt(uid) {
      if (uid === null || own.has(uid)) return;
      own.add(uid);
      for (const mark of foreign.get(uid) ?? []) tell(mark);
      foreign.delete(uid);
    },
    leave: (uid, atMs) => void (uid !== null && left.set(uid, atMs)),
    forgetPast(beforeMs) {
      for (const [uid, atMs] of left) {
        if (atMs >= beforeMs) continue;
        left.delete(uid);
        own.delete(uid);
      }
      for (const [uid, marks] of foreign) {
        if ((marks.at(-1)?.atMs ?? 0) < beforeMs) foreign.delete(uid);
      }
    },
    hear(event, atMs) {
      const about = textAt(event, 'involvedObject', 'name');
      const uid = textAt(event, 'involvedObject', 'uid') ?? '';
      const text = `${textAt(event, 'reason')} ${about}: ${textAt(event, 'message')}`;
      if (own.has(uid)) tell({ atMs, text });
      else foreign.set(uid, [...(foreign.get(uid) ?? []), { atMs, text }]);
    },
  };
}
