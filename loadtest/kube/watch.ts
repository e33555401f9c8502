import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, isPassing, parseJson, toApiFault, toApiStatus } from './api.ts';
import { isObject, type Json, listAt, numberAt, textAt } from './json.ts';

type Change = 'seen' | 'deleted';

export interface WatchHooks {
  /** An object as it is now, or as it was last. */
  onChange(change: Change, object: Json): void;
  /** For a time events may have been missed, or were stamped late. */
  onGap(reason: string): void;
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  /** How long a stream may last, the server's own limit included. Default: 70 s. */
  readonly deadlineMs?: number;
}

export interface Watch {
  /** Resolves with the first complete list; rejects where it is refused for good, or the signal comes first. */
  readonly synced: Promise<void>;
  /** Lists anew and reports a gap unless the watch stands and knows, within `withinMs`, what there is and nothing else. */
  confirm(withinMs: number): Promise<void>;
}

/** The server ends a stream after this, and the client some time later: past it, silence is a broken connection. */
const STREAM_SECONDS = 60;
const DEADLINE_MS = 70_000;
/** Resumed faster than this, a broken watch has neither missed an event nor stamped it late. */
const MAX_PAUSE_MS = 2_000;
const BACKOFF_MS = { first: 200, max: 10_000 };
const CONFIRM_PAUSE_MS = 50;
/** A stream that ends sooner, without an event, was none: as a proxy does that cannot reach the API server. */
const MIN_STREAM_MS = 1_000;

/**
 * Lists and watches the objects at an API path (which may carry a query) until the signal is aborted: with
 * bookmarks, resumption from the last resourceVersion, a new list where that is too old (410), and backoff with
 * jitter. See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function startWatch(api: Api, path: string, hooks: WatchHooks, signal: AbortSignal): Watch {
  /** Every object known: its version, and itself. */
  const known = new Map<string, { version: string; object: Json }>();
  /** Since when no stream stands; null: one does, or is not due yet. */
  let downMs: number | null = null;
  /** In a row, without an event between them. */
  let failures = 0;
  let lastFault: string | null = null;
  let confirmSynced: () => void = () => {};
  let refuse: (error: Error) => void = () => {};
  const synced = new Promise<void>((resolve, reject) => {
    confirmSynced = resolve;
    refuse = reject;
  });
  // Who does not wait for it must not be ended by it.
  synced.catch(() => {});

  const withQuery = (query: string) => `${path}${path.includes('?') ? '&' : '?'}${query}`;

  function see(object: Json): void {
    const key = toKey(object);
    const version = toVersion(object);
    if (known.get(key)?.version === version) return;
    known.set(key, { version, object });
    hooks.onChange('seen', object);
  }

  function forget(object: Json): void {
    if (known.delete(toKey(object))) hooks.onChange('deleted', object);
  }

  async function list(): Promise<string> {
    const { items, version } = await fetchList();
    const keys = new Set(items.map(toKey));
    for (const [key, { object }] of known) if (!keys.has(key)) forget(object);
    for (const item of items) see(item);
    return version;
  }

  async function fetchList(): Promise<{ items: readonly Json[]; version: string }> {
    const answer = await api.get(path, signal);
    return { items: listAt(answer, 'items'), version: toVersion(answer) };
  }

  /** Once more while the API server is in trouble of its own, or asks for patience. */
  async function fetchListBy(endMs: number): ReturnType<typeof fetchList> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await fetchList();
      } catch (error) {
        if (!isPassing(error) || hooks.nowMs() >= endMs || signal.aborted) throw error;
        await pause(toBackoffMs(attempts, hooks.random()), signal);
      }
    }
  }

  function tellBreak(): void {
    const ms = downMs === null ? 0 : hooks.nowMs() - downMs;
    if (ms > MAX_PAUSE_MS) hooks.onGap(`${toName(path)}: cut off for ${(ms / 1_000).toFixed(1)} s`);
  }

  /** One stream from `version` on. Returns the last version. @throws {WatchBreak} where to go on at once would not do */
  async function follow(version: string): Promise<string> {
    let last: string | null = version;
    const broken = new AbortController();
    const deadline = setTimeout(() => broken.abort(), hooks.deadlineMs ?? DEADLINE_MS);
    let garbage: string | null = null;
    let openedMs = Number.POSITIVE_INFINITY;
    let aliveMs = hooks.nowMs();
    downMs ??= aliveMs;
    try {
      await api.stream(
        withQuery(
          `watch=1&allowWatchBookmarks=true&timeoutSeconds=${STREAM_SECONDS}&resourceVersion=${encodeURIComponent(version)}`,
        ),
        {
          onOpen: () => {
            openedMs = hooks.nowMs();
            aliveMs = openedMs;
            tellBreak();
            downMs = null;
          },
          onLine: (line) => {
            const event = parseWatchLine(line);
            if (event.kind === 'expired') last = null;
            else if (event.kind === 'garbage') {
              garbage = event.reason;
              broken.abort();
            } else if (last !== null && garbage === null) {
              failures = 0;
              aliveMs = hooks.nowMs();
              last = toVersion(event.object);
              if (event.kind === 'seen') see(event.object);
              if (event.kind === 'deleted') forget(event.object);
            }
          },
        },
        AbortSignal.any([signal, broken.signal]),
      );
      const isEmpty = last === version && hooks.nowMs() - openedMs < MIN_STREAM_MS;
      if (last === null || isEmpty) throw new Error('it ended at once, or is too old');
      return last;
    } catch (error) {
      if (toApiStatus(error) === 410) last = null;
      // What came in while the connection was silent will be stamped when it is fetched: too late.
      downMs ??= broken.signal.aborted && garbage === null ? aliveMs : hooks.nowMs();
      failures = toFailures(failures, hooks.nowMs() - openedMs);
      throw new WatchBreak(garbage ?? (error as Error).message, last);
    } finally {
      clearTimeout(deadline);
    }
  }

  async function run(): Promise<void> {
    let version: string | null = null;
    let isSynced = false;
    while (!signal.aborted) {
      try {
        if (version === null) {
          if (isSynced) hooks.onGap(`${toName(path)}: had to be listed anew`);
          version = await list();
          isSynced = true;
          confirmSynced();
        }
        version = await follow(version);
      } catch (error) {
        if (signal.aborted) return;
        lastFault = (error as Error).message;
        if (!isSynced && toApiStatus(error) !== undefined && !isPassing(error)) {
          refuse(error as Error);
          return;
        }
        if (error instanceof WatchBreak) version = error.version;
        else failures += 1;
        await pause(toBackoffMs(failures, hooks.random()), signal);
      }
    }
  }

  void run().finally(() => refuse(toReason(signal.reason, lastFault)));
  return {
    synced,
    async confirm(withinMs) {
      const endMs = hooks.nowMs() + withinMs;
      try {
        const { items, version } = await fetchListBy(endMs);
        const keys = new Set(items.map(toKey));
        const isBehind = () =>
          items.some((item) => isNewer(item, known.get(toKey(item))?.object)) ||
          [...known].some(
            ([key, { object }]) => !keys.has(key) && Number(toVersion(object)) <= Number(version),
          );
        while (isBehind() && hooks.nowMs() < endMs && !signal.aborted) await pause(CONFIRM_PAUSE_MS, signal);
        if (isBehind()) hooks.onGap(`${toName(path)}: behind the API server at the end`);
      } catch (error) {
        hooks.onGap(`${toName(path)}: could not be confirmed (${(error as Error).message})`);
      }
      tellBreak();
    },
  };
}

/** Whoever gives up waiting shall learn what was waited for. */
function toReason(reason: Error, lastFault: string | null): Error {
  const status = toApiStatus(reason);
  return status === undefined || lastFault === null
    ? reason
    : toApiFault(status, `${reason.message}: ${lastFault}`);
}

class WatchBreak extends Error {
  /** To go on from; null: too old. */
  readonly version: string | null;

  constructor(message: string, version: string | null) {
    super(message);
    this.version = version;
  }
}

type WatchEvent =
  | { readonly kind: 'seen' | 'deleted' | 'bookmark'; readonly object: Json }
  | { readonly kind: 'expired' }
  | { readonly kind: 'garbage'; readonly reason: string };

const EVENT_KINDS: Readonly<Record<string, 'seen' | 'deleted' | 'bookmark'>> = {
  ADDED: 'seen',
  MODIFIED: 'seen',
  DELETED: 'deleted',
  BOOKMARK: 'bookmark',
};

/** One line of a watch stream. */
export function parseWatchLine(line: string): WatchEvent {
  const event = parseJson(line);
  const type = textAt(event, 'type') ?? '';
  const object = event?.object;
  if (type === 'ERROR') {
    const code = numberAt(object, 'code');
    return code === 410
      ? { kind: 'expired' }
      : { kind: 'garbage', reason: `the API server reports ${code}: ${textAt(object, 'message')}` };
  }
  const kind = Object.hasOwn(EVENT_KINDS, type) ? EVENT_KINDS[type] : undefined;
  if (kind === undefined || !isObject(object) || toVersion(object) === '') {
    return { kind: 'garbage', reason: `not a watch event: ${JSON.stringify(line.slice(0, 80))}` };
  }
  return { kind, object };
}

/** One more in a row, unless the stream has stood for longer than the longest pause. */
export function toFailures(before: number, stoodMs: number): number {
  return stoodMs > BACKOFF_MS.max ? 1 : before + 1;
}

/** Doubles from 0.2 s to 10 s with each failure in a row, and spreads over the upper half of that. */
export function toBackoffMs(failures: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MS.max, BACKOFF_MS.first * 2 ** (failures - 1));
  return ceiling * (0.5 + random / 2);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function toKey(object: Json): string {
  return `${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}/${textAt(object, 'metadata', 'uid')}`;
}

function toVersion(object: Json): string {
  return textAt(object, 'metadata', 'resourceVersion') ?? '';
}

/** Resource versions are comparable as integers since Kubernetes 1.35, and were so in practice before. */
function isNewer(listed: Json, seen: Json | undefined): boolean {
  return seen === undefined || Number(toVersion(listed)) > Number(toVersion(seen));
}

function toName(path: string): string {
  return path.replace(/\?.*/, '').split('/').at(-1) ?? path;
}
