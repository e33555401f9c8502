import { connect as connectTcp, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Clock } from '../cli/clock.ts';
import { toOutcome } from '../engine/outcome.ts';
import { RESPONSE_LIMITS, ResponseParser } from '../engine/response-parser.ts';
import { type HostPort, type Target, type TlsTrust, toAuthority, toTlsOptions } from '../engine/target.ts';
import type { PodEvent } from '../proof/timeline.ts';

/** The request that shows whether a pod answers. */
export interface DirectRequest {
  readonly method: string;
  /** The whole request as it is to be sent now, a character for each byte. */
  toText(): string;
  /** To be called several times a second: what the request is made from may change. */
  refresh(): void;
  /** The only status that is ok; undefined: any 2xx. */
  readonly expectedStatus: number | undefined;
}

export interface DirectProbeOptions {
  /** How the load speaks to the target; the pods are probed alike, and trusted with its headers no sooner. */
  readonly target: Pick<Target, 'host' | 'tls'>;
  /** Null: pods are asked nothing, for the load has no request that can be made once more. */
  readonly request: DirectRequest | null;
}

/** Connections to the pods' own addresses, beside the load: they are none of its requests. */
export interface DirectProbes {
  /** From now on, the pod has this address. */
  track(pod: string, address: HostPort): void;
  /** The pod is gone. */
  forget(pod: string): void;
  /** Is the pod an endpoint, and not terminating? Only then it is asked anything. */
  setServing(pod: string, isServing: boolean): void;
  /**
   * Begins to probe if an address of a pod answers from here.
   * @returns that address; null: none does, and no pod will be probed
   */
  start(): Promise<HostPort | null>;
  stop(): void;
}

/** Between two connections to one pod, and between any two of all pods. The more pods, the rarer each is probed. */
const POD_PERIOD_MS = 200;
const MIN_STEP_MS = 10;
/** Long enough for a packet to be lost and sent again (RFC 6298 §2: after 1 s). */
const CONNECT_TIMEOUT_MS = 1_500;
/** Attempts on one pod at a time: a dead one costs no more. */
const MAX_ATTEMPTS = 8;
/**
 * A pod gets its first request from the load, not from here: a probe must not warm it up. It is the time between two
 * requests as well.
 */
const REQUEST_PERIOD_MS = 1_000;
const RESPONSE_TIMEOUT_MS = 5_000;
/** Pods that are tried to see whether addresses answer at all. */
const MAX_TRIED = 3;
/** What the socket says of the other side. Anything else, such as a lack of ports, is this machine's own fault. */
const REFUSALS = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ETIMEDOUT'];

interface ProbedPod {
  readonly address: HostPort;
  /** How the last attempt ended; null: none has. */
  isAccepting: boolean | null;
  /** At that time it still was so. */
  lastMs: number;
  attempts: number;
  hasAnswered: boolean;
  /** The keep-alive connection; null: there is none. */
  held: Socket | null;
  /** When the last one was opened. */
  heldMs: number;
}

/** How an attempt to connect ended; null: nothing can be said of the pod. */
type Attempt = 'accepted' | 'refused' | 'timeout' | null;

/**
 * Probes pods directly: a fresh TCP connection to each pod five times a second, and a keep-alive connection to each
 * endpoint that carries one request and is then left idle.
 */
export function createDirectProbes(
  { target, request }: DirectProbeOptions,
  emit: (event: PodEvent) => void,
  clock: Pick<Clock, 'nowMs'>,
): DirectProbes {
  const pods = new Map<string, ProbedPod>();
  /** Since when endpoints have been ones. They may be told before their address is. */
  const servingFromMs = new Map<string, number>();
  const sockets = new Set<Socket>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isStopped = false;
  /** Pods that are still to be probed in this round. */
  let round: string[] = [];

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    return socket;
  }

  function attempt({ host, port }: HostPort): Promise<Attempt> {
    return new Promise((resolve) => {
      const socket = keep(connectTcp({ host, port }));
      const end = (result: Attempt) => {
        clearTimeout(timeout);
        resolve(result);
        socket.destroy();
      };
      const timeout = setTimeout(() => end('timeout'), CONNECT_TIMEOUT_MS);
      socket.once('connect', () => end('accepted'));
      socket.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
        end(REFUSALS.includes(code) ? 'refused' : null),
      );
      socket.once('close', () => end(null));
    });
  }

  async function probe(name: string, pod: ProbedPod): Promise<void> {
    if (pod.attempts >= MAX_ATTEMPTS) return;
    pod.attempts += 1;
    const startMs = clock.nowMs();
    const result = await attempt(pod.address);
    pod.attempts -= 1;
    // One that started later may have ended before.
    if (result === null || startMs < pod.lastMs || isStopped || pods.get(name) !== pod) return;
    const isAccepting = result === 'accepted';
    if (isAccepting !== pod.isAccepting) {
      const atMs = result === 'timeout' ? startMs : clock.nowMs();
      const uncertainMs = pod.isAccepting === null ? 0 : Math.max(0, atMs - pod.lastMs);
      emit({ atMs, pod: name, kind: isAccepting ? 'direct-accepted' : 'direct-refused', uncertainMs });
      pod.isAccepting = isAccepting;
    }
    pod.lastMs = startMs;
  }

  /** Opens a keep-alive connection, makes one request on it, and leaves it idle. */
  function hold(name: string, pod: ProbedPod, { method, toText, expectedStatus }: DirectRequest): void {
    const { tls } = target;
    const socket = keep(
      tls === null
        ? connectTcp({ ...pod.address, noDelay: true })
        : connectSecurely(pod.address, { host: target.host, tls }),
    );
    const parser = new ResponseParser(RESPONSE_LIMITS, []);
    let idleFromMs: number | null = null;
    pod.held = socket;
    pod.heldMs = clock.nowMs();
    const timeout = setTimeout(() => socket.destroy(), RESPONSE_TIMEOUT_MS);
    socket.once(tls === null ? 'connect' : 'secureConnect', () => {
      parser.begin(method);
      socket.write(toText(), 'latin1');
    });
    socket.on('data', (chunk: Buffer) => {
      parser.push(chunk);
      if (!parser.isComplete && !parser.isRefused) return;
      clearTimeout(timeout);
      const isOk = parser.isComplete && toOutcome(parser.status ?? 0, expectedStatus) === 'ok';
      if (isOk && !pod.hasAnswered) {
        pod.hasAnswered = true;
        emit({ atMs: clock.nowMs(), pod: name, kind: 'direct-answered' });
      }
      if (isOk && parser.isPersistent && idleFromMs === null) idleFromMs = clock.nowMs();
      else socket.destroy();
    });
    socket.once('close', () => {
      clearTimeout(timeout);
      pod.held = null;
    });
    const onClosedByPod = () => {
      if (isStopped || idleFromMs === null || pods.get(name) !== pod) return;
      const atMs = clock.nowMs();
      emit({ atMs, pod: name, kind: 'direct-closed', idleMs: atMs - idleFromMs });
      idleFromMs = null;
    };
    socket.once('end', onClosedByPod);
    socket.once('error', onClosedByPod);
  }

  function step(): void {
    if (round.length === 0) {
      round = [...pods.keys()];
      request?.refresh();
    }
    const name = round.shift();
    const pod = name === undefined ? undefined : pods.get(name);
    if (name !== undefined && pod !== undefined) {
      void probe(name, pod);
      const sinceMs = servingFromMs.get(name);
      const isDue =
        pod.held === null &&
        sinceMs !== undefined &&
        clock.nowMs() - Math.max(sinceMs, pod.heldMs) >= REQUEST_PERIOD_MS;
      if (request !== null && isDue) hold(name, pod, request);
    }
    timer = setTimeout(step, Math.max(MIN_STEP_MS, POD_PERIOD_MS / Math.max(1, pods.size)));
  }

  return {
    track(pod, address) {
      const known = pods.get(pod);
      if (known !== undefined && toAuthority(known.address) === toAuthority(address)) return;
      pods.set(pod, {
        address,
        isAccepting: null,
        lastMs: Number.NEGATIVE_INFINITY,
        attempts: 0,
        hasAnswered: false,
        held: null,
        heldMs: Number.NEGATIVE_INFINITY,
      });
    },
    forget(pod) {
      const known = pods.get(pod);
      if (known !== undefined && known.isAccepting !== null && !isStopped) {
        const atMs = clock.nowMs();
        emit({ atMs, pod, kind: 'direct-ended', uncertainMs: Math.max(0, atMs - known.lastMs) });
      }
      known?.held?.destroy();
      pods.delete(pod);
      servingFromMs.delete(pod);
    },
    setServing(name, isServing) {
      if (isServing) servingFromMs.set(name, servingFromMs.get(name) ?? clock.nowMs());
      else servingFromMs.delete(name);
    },
    async start() {
      const tried = [...pods].flatMap(([name, pod]) => (servingFromMs.has(name) ? [pod] : []));
      const found = await Promise.all(
        tried
          .slice(0, MAX_TRIED)
          .map(async ({ address }) => ((await attempt(address)) === 'accepted' ? address : null)),
      );
      const reached = found.find((address) => address !== null) ?? null;
      if (reached !== null && !isStopped) step();
      return reached;
    },
    stop() {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** As the load connects to the target, whose certificate the pod must have: it is about to be shown the load's headers. */
function connectSecurely(address: HostPort, target: { host: string; tls: TlsTrust }): TLSSocket {
  const name = target.tls.serverName ?? target.host;
  const socket = connectTls({
    ...address,
    ...toTlsOptions(target),
    ALPNProtocols: ['http/1.1'],
    // An address of the target is not the pod's.
    checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate),
  });
  return socket.setNoDelay(true);
}
