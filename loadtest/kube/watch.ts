import type { Clock } from '../cli/clock.ts';
import { type Api, isPassing, toApiFault, toApiStatus } from './api.ts';
import { isObject, type Json, listAt, numberAt, parseJson, textAt } from './json.ts';
import {
  createKnownObjects,
  type KnownObjects,
  type ObjectList,
  type OnChange,
  toVersion,
} from './known-objects.ts';

export interface WatchHooks {
  readonly onChange: OnChange;
  /** For a time events may have been missed, or were stamped late. */
  onGap(reason: string): void;
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
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
  const watcher = new Watcher(api, path, hooks, signal);
  const synced = new Promise<void>((resolve, reject) => {
    // Once it is synced, a rejection comes to nothing.
    void watcher.run(resolve).then(
      () => reject(toReason(signal.reason, watcher.lastFault)),
      (error: Error) => reject(error),
    );
  });
  // Who does not wait for it must not be ended by it.
  synced.catch(() => {});
  return { synced, confirm: (withinMs) => watcher.confirm(withinMs) };
}

/** One stream of events, as far as it has come. */
interface Stream {
  /** That of its last event; null: too old to go on from. */
  last: string | null;
  /** What came instead of an event; nothing after it is believed. */
  garbage: string | null;
  /** Infinity: not yet. */
  openedMs: number;
  /** When something was heard last. */
  aliveMs: number;
  /** Ends it from this side. */
  readonly broken: AbortController;
}

class Watcher {
  readonly #api: Api;
  readonly #path: string;
  readonly #hooks: WatchHooks;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #known: KnownObjects;
  /** Since when no stream stands; null: one does, or is not due yet. */
  #downMs: number | null = null;
  /** In a row, without an event between them. */
  #failures = 0;
  #lastFault: string | null = null;

  constructor(api: Api, path: string, hooks: WatchHooks, signal: AbortSignal) {
    this.#api = api;
    this.#path = path;
    this.#hooks = hooks;
    this.#clock = hooks.clock;
    this.#signal = signal;
    this.#known = createKnownObjects(hooks.onChange);
  }

  /** Why it had to begin again last; null: it did not have to. */
  get lastFault(): string | null {
    return this.#lastFault;
  }

  /**
   * Lists and follows until the signal is aborted.
   * @param onSynced called with the first complete list
   * @throws {Fault} where that is refused for good
   */
  async run(onSynced: () => void): Promise<void> {
    let version: string | null = null;
    let isSynced = false;
    while (!this.#signal.aborted) {
      try {
        if (version === null) {
          if (isSynced) this.#tellGap('had to be listed anew');
          const list = await this.#fetchList();
          this.#known.replace(list.items);
          version = list.version;
          isSynced = true;
          onSynced();
        }
        version = await this.#follow(version);
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#lastFault = (error as Error).message;
        if (!isSynced && toApiStatus(error) !== undefined && !isPassing(error)) throw error;
        if (error instanceof WatchBreak) version = error.version;
        else this.#failures += 1;
        await this.#backOff(this.#failures);
      }
    }
  }

  async confirm(withinMs: number): Promise<void> {
    const endMs = this.#clock.nowMs() + withinMs;
    try {
      const list = await this.#fetchListBy(endMs);
      while (this.#known.isBehind(list) && this.#clock.nowMs() < endMs && !this.#signal.aborted) {
        await this.#clock.pause(CONFIRM_PAUSE_MS, this.#signal);
      }
      if (this.#known.isBehind(list)) this.#tellGap('behind the API server at the end');
    } catch (error) {
      this.#tellGap(`could not be confirmed (${(error as Error).message})`);
    }
    this.#tellBreak();
  }

  async #fetchList(): Promise<ObjectList> {
    const response = await this.#api.get(this.#path, this.#signal);
    return { items: listAt(response, 'items'), version: toVersion(response) };
  }

  /** Once more while the API server is in trouble of its own, or asks for patience. */
  async #fetchListBy(endMs: number): Promise<ObjectList> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.#fetchList();
      } catch (error) {
        if (!isPassing(error) || this.#clock.nowMs() >= endMs || this.#signal.aborted) throw error;
        await this.#backOff(attempts);
      }
    }
  }

  /** One stream from `version` on. Returns the last version. @throws {WatchBreak} where to go on at once would not do */
  async #follow(version: string): Promise<string> {
    const nowMs = this.#clock.nowMs();
    const stream: Stream = {
      last: version,
      garbage: null,
      openedMs: Number.POSITIVE_INFINITY,
      aliveMs: nowMs,
      broken: new AbortController(),
    };
    const over = new AbortController();
    this.#downMs ??= nowMs;
    void this.#clock.pause(DEADLINE_MS, over.signal).then(() => stream.broken.abort());
    try {
      await this.#api.stream(
        toWatchPath(this.#path, version),
        { onOpen: () => this.#onOpen(stream), onLine: (line) => this.#onLine(stream, line) },
        AbortSignal.any([this.#signal, stream.broken.signal]),
      );
      const isEmpty = stream.last === version && this.#clock.nowMs() - stream.openedMs < MIN_STREAM_MS;
      if (stream.last === null || isEmpty) throw new Error('it ended at once, or is too old');
      return stream.last;
    } catch (error) {
      throw this.#toBreak(stream, error as Error);
    } finally {
      over.abort();
    }
  }

  #onOpen(stream: Stream): void {
    stream.openedMs = this.#clock.nowMs();
    stream.aliveMs = stream.openedMs;
    this.#tellBreak();
    this.#downMs = null;
  }

  #onLine(stream: Stream, line: string): void {
    const event = parseWatchLine(line);
    if (event.kind === 'expired') {
      stream.last = null;
    } else if (event.kind === 'garbage') {
      stream.garbage = event.reason;
      stream.broken.abort();
    } else if (stream.last !== null && stream.garbage === null) {
      this.#failures = 0;
      stream.aliveMs = this.#clock.nowMs();
      stream.last = toVersion(event.object);
      if (event.kind === 'seen') this.#known.see(event.object);
      if (event.kind === 'deleted') this.#known.forget(event.object);
    }
  }

  #toBreak({ last, garbage, openedMs, aliveMs, broken }: Stream, error: Error): WatchBreak {
    const nowMs = this.#clock.nowMs();
    // What came in while the connection was silent will be stamped when it is fetched: too late.
    this.#downMs ??= broken.signal.aborted && garbage === null ? aliveMs : nowMs;
    this.#failures = toFailures(this.#failures, nowMs - openedMs);
    const isTooOld = toApiStatus(error) === 410;
    return new WatchBreak(garbage ?? error.message, isTooOld ? null : last);
  }

  #backOff(failures: number): Promise<void> {
    return this.#clock.pause(toBackoffMs(failures, this.#hooks.random()), this.#signal);
  }

  #tellBreak(): void {
    const ms = this.#downMs === null ? 0 : this.#clock.nowMs() - this.#downMs;
    if (ms > MAX_PAUSE_MS) this.#tellGap(`cut off for ${(ms / 1_000).toFixed(1)} s`);
  }

  #tellGap(what: string): void {
    this.#hooks.onGap(`${toName(this.#path)}: ${what}`);
  }
}

function toWatchPath(path: string, version: string): string {
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${STREAM_SECONDS}&resourceVersion=${encodeURIComponent(version)}`;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
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

function toName(path: string): string {
  return path.replace(/\?.*/, '').split('/').at(-1) ?? path;
}
