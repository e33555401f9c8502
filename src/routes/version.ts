import { json, type Reply } from '../reply.ts';

/** What runs here, where, and since when. */
export interface VersionInfo {
  readonly version: string;
  readonly revision: string;
  /** Runtime and its version, such as `bun 1.4.5`. */
  readonly runtime: string;
  readonly pod: string;
  readonly node: string;
  readonly namespace: string;
  /** RFC 3339 time stamp. */
  readonly startedAt: string;
}

/** Identity of the process. It never changes, so the response is made once. */
export function createVersionHandler(info: VersionInfo): () => Reply {
  const reply = json(200, info);
  return () => reply;
}
