import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Dialer, Exchange } from './client.ts';

/** What is sent to a subject while it is observed, and what came of it. */
export interface ContractLoad {
  /** So far, in ms of `performance.now()`. */
  readonly seen: SeenExchanges;
  /** Adds the slow requests, and resolves when each of their clients has begun. They go on for as long as told. */
  startSlow(goesOn: () => boolean): Promise<void>;
  /** Opens connections that are used only once SIGTERM was sent. Resolves when they are open. */
  holdBack(): Promise<HeldBack>;
  /** Resolves when nothing is under way any more, which is not before it is told to stop, or the subject has ended. */
  done(): Promise<void>;
}

/** Connections that are open: some carry half a request, the others none yet. */
interface HeldBack {
  /**
   * Completes what is half sent when SIGTERM has certainly come, and sends the first request on each of the others
   * in turn, for as long as connections must be accepted.
   */
  release(sigtermWithinMs: number, acceptMs: number): void;
}

/** Two requests on one connection, the second sent as soon as the response to the first was there. */
export interface Pair {
  readonly first: Exchange;
  /** Null: none was sent, because the first failed, or its response said that the connection will be closed. */
  readonly second: Exchange | null;
}

export interface SeenExchanges {
  readonly ready: readonly Exchange[];
  readonly health: readonly Exchange[];
  readonly fresh: readonly Exchange[];
  readonly kept: readonly Exchange[];
  readonly slow: readonly Exchange[];
  readonly pairs: readonly Pair[];
  /** Half sent before SIGTERM. */
  readonly half: readonly Exchange[];
  /** The first requests on connections that were open before SIGTERM. */
  readonly firstUse: readonly Exchange[];
  /** When the server closed keep-alive connections without having announced it. */
  readonly closedIdleMs: readonly number[];
}

interface LoadRules {
  /** Do requests on connections that are open, and probes, still come? */
  readonly isRunning: () => boolean;
  /** Do new connections with traffic still come? */
  readonly isSentTo: () => boolean;
}

const PROBE_MS = 25;
const KEPT_CLIENTS = 6;
/** Between the requests of a keep-alive connection: from so long up to twice that. */
const KEPT_PAUSE_MS = 15;
/** Begun one after another, so that one slow request is always under way until the latest SIGTERM. */
const SLOW_CLIENTS = 3;
const SLOW_LEAD_MS = 50;
const HELD_CLIENTS = 4;
/** From opening those connections until SIGTERM, so that the server knows of them. */
const HELD_LEAD_MS = 50;
/** How late the rest of a request that is half sent comes. */
const HALF_PAUSE_MS = 100;

/** Begins at once with probes, fresh connections and keep-alive connections. */
export function startContractLoad(
  dialer: Dialer,
  paths: { readonly ready: string; readonly health: string },
  { isRunning, isSentTo }: LoadRules,
): ContractLoad {
  const seen = {
    ready: [] as Exchange[],
    health: [] as Exchange[],
    fresh: [] as Exchange[],
    kept: [] as Exchange[],
    slow: [] as Exchange[],
    pairs: [] as Pair[],
    half: [] as Exchange[],
    firstUse: [] as Exchange[],
    closedIdleMs: [] as number[],
  };

  async function repeat(
    list: Exchange[],
    send: () => Promise<Exchange>,
    goesOn: () => boolean,
  ): Promise<void> {
    while (goesOn()) {
      list.push(await send());
      await sleep(PROBE_MS);
    }
  }

  /** Each has a pause of its own, so that they never send in step, and some are idle at any moment. */
  async function keep(index: number): Promise<void> {
    const pauseMs = KEPT_PAUSE_MS * (1 + index / (KEPT_CLIENTS - 1));
    while (isSentTo()) {
      const client = await dialer.open();
      if (client === null) return;
      while (client.isOpen && isRunning()) {
        seen.kept.push(await client.send());
        await sleep(pauseMs);
      }
      if (client.wasClosedIdle) seen.closedIdleMs.push(performance.now());
      client.close();
    }
  }

  async function sendPairs(): Promise<void> {
    while (isSentTo()) {
      const client = await dialer.open();
      if (client === null) return;
      const first = await client.send();
      seen.pairs.push({ first, second: client.isOpen ? await client.send() : null });
      client.close();
      await sleep(PROBE_MS);
    }
  }

  async function openHeld(): Promise<Client[]> {
    const opened = await Promise.all(Array.from({ length: HELD_CLIENTS }, () => dialer.open()));
    return opened.filter((client) => client !== null);
  }

  async function repeatSlow(goesOn: () => boolean): Promise<void> {
    do seen.slow.push(await dialer.sendSlow());
    while (isRunning() && goesOn());
  }

  const clients = [
    repeat(seen.ready, () => dialer.probe(paths.ready), isRunning),
    repeat(seen.health, () => dialer.probe(paths.health), isRunning),
    repeat(seen.fresh, () => dialer.sendOnce(), isSentTo),
    sendPairs(),
    ...Array.from({ length: KEPT_CLIENTS }, (_, index) => keep(index)),
  ];
  return {
    seen,
    async startSlow(goesOn) {
      for (let client = 0; client < SLOW_CLIENTS; client += 1) {
        clients.push(repeatSlow(goesOn));
        await sleep(SLOW_LEAD_MS);
      }
    },
    async holdBack() {
      const [toHalve, unused] = await Promise.all([openHeld(), openHeld()]);
      const halves = toHalve.map((client) => ({ client, finish: client.sendHalf() }));
      await sleep(HELD_LEAD_MS);
      return {
        release(sigtermWithinMs, acceptMs) {
          const stepMs = (sigtermWithinMs + acceptMs) / (unused.length + 1);
          clients.push(
            ...halves.map(async ({ client, finish }) => {
              await sleep(sigtermWithinMs + HALF_PAUSE_MS);
              seen.half.push(await finish());
              client.close();
            }),
            ...unused.map(async (client, index) => {
              await sleep(stepMs * (index + 1));
              seen.firstUse.push(await client.send());
              client.close();
            }),
          );
        },
      };
    },
    done: async () => void (await Promise.all(clients)),
  };
}
