import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { BodyReader } from './body-reader.ts';
import { type ConnectionPhase, toClosing, toErrorCode, toFailure } from './connection-failure.ts';
import type { ConnectionEnd, ConnectionEnding, ConnectionRole } from './connection-ledger.ts';
import type { Entry } from './ledger.ts';
import type { FailureOutcome } from './outcome.ts';
import type { ResponseParser } from './response-parser.ts';
import type { ConnectionFacts } from './settlement.ts';
import { type HttpProxy, type Target, toNextHop, toTlsOptions } from './target.ts';
import { openTunnel } from './tunnel.ts';

const PROTOCOLS = ['http/1.1'];

/** Who is told what happens on a connection. */
export interface ConnectionOwner {
  /** It can carry its first request. */
  onEstablished(connection: Connection): void;
  /** The response is complete and the connection idle. `isSpent`: it cannot carry another request. */
  onAnswered(connection: Connection, isSpent: boolean): void;
  /** It failed to open, or in the middle of an exchange, and is closed. */
  onFailed(connection: Connection, outcome: FailureOutcome, detail: string): void;
  /** It closed with no request on it. */
  onClosed(connection: Connection): void;
  /** Bytes came that no request had asked for; it is closed next. */
  onExcess(): void;
  /** It is closed, whoever closed it; told once, before whatever else that means. */
  onEnded(end: ConnectionEnd): void;
}

/** One connection and the request it carries: one at a time, written once. */
export class Connection {
  readonly id: number;
  /** No request is written to it when it is older. */
  readonly maxAgeMs: number;
  readonly parser: ResponseParser;
  readonly #owner: ConnectionOwner;
  readonly #clock: () => number;
  #socket: Socket | null = null;
  #phase: ConnectionPhase = 'resolving';
  #address: string | null = null;
  #localPort: number | null = null;
  readonly #openedMs: number;
  #connectMs = 0;
  #setupMs = 0;
  #establishedMs: number | null = null;
  #idleSinceMs = 0;
  #requests = 0;

  /** The pool may leave a kept one idle. */
  role: ConnectionRole;
  /** The request that it is opened for, or carries. */
  entry: Entry | null;
  /** As the latest request was written, or as it failed to open. */
  facts: ConnectionFacts | null = null;
  /** Name of the pod and version that answered last. */
  pod: string | null = null;
  version: string | null = null;

  constructor(
    id: number,
    maxAgeMs: number,
    entry: Entry,
    parser: ResponseParser,
    owner: ConnectionOwner,
    clock: () => number,
  ) {
    this.id = id;
    this.maxAgeMs = maxAgeMs;
    this.role = entry.request.fresh ? 'fresh' : 'kept';
    this.entry = entry;
    this.parser = parser;
    this.#owner = owner;
    this.#clock = clock;
    this.#openedMs = clock();
  }

  get phase(): ConnectionPhase {
    return this.#phase;
  }

  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  get requests(): number {
    return this.#requests;
  }

  isExpired(nowMs: number): boolean {
    return this.#toAgeMs(nowMs) >= this.maxAgeMs;
  }

  /** @param readBuffer where incoming bytes are put; may be shared, as they are read before it is used again */
  connect(target: Target, address: string, readBuffer: Buffer): void {
    if (this.#phase !== 'resolving') return;
    this.#phase = 'connecting';
    this.#address = address;
    this.#connectMs = this.#clock();
    if (target.proxy === undefined) this.#connectDirectly(target, address, readBuffer);
    else this.#connectByProxy(target, target.proxy, address);
  }

  #connectDirectly(target: Target, address: string, readBuffer: Buffer): void {
    const socket = toSocket(target, address, {
      buffer: readBuffer,
      callback: (length, bytes) => {
        this.#onData(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        return true;
      },
    });
    socket.setNoDelay(true);
    this.#watch(socket);
    socket.once('connect', () => {
      if (target.tls === null) this.#establish();
      else if (this.#phase === 'connecting') this.#phase = 'securing';
    });
    socket.once('secureConnect', () => this.#establish());
  }

  #connectByProxy(target: Target, proxy: HttpProxy, address: string): void {
    const socket = connectTcp({ host: address, port: proxy.port, noDelay: true });
    this.#watch(socket);
    const onOpen = (early: Buffer) => {
      if (this.#phase !== 'connecting') return;
      if (target.tls === null) {
        socket.on('data', (chunk) => this.#onData(chunk));
        this.#establish();
        if (early.length > 0) this.#onData(early);
        return;
      }
      this.#phase = 'securing';
      // From here on the two would tell of the same end twice, in an order of their own.
      socket.removeAllListeners('end').removeAllListeners('close');
      const secure: Socket = connectTls({ socket, ALPNProtocols: PROTOCOLS, ...toTlsOptions(target) });
      // Destroyed with it: on Bun the socket below would stay.
      secure.once('close', () => socket.destroy());
      this.#watch(secure);
      secure.on('data', (chunk) => this.#onData(chunk));
      secure.once('secureConnect', () => this.#establish());
    };
    const onRefused = (reason: string) => {
      if (this.#phase !== 'connecting') return;
      this.facts ??= this.#toAttempt(address);
      this.#end('refused');
      this.#owner.onFailed(this, 'refused', reason);
    };
    socket.once('connect', () => openTunnel(socket, target, proxy, onOpen, onRefused));
  }

  #watch(socket: Socket): void {
    this.#socket = socket;
    socket.on('end', () => this.#onEnd(null));
    socket.on('close', () => this.#onEnd(null));
    socket.on('error', (error) => this.#onEnd(toErrorCode(error)));
  }

  #establish(): void {
    if (this.#phase !== 'connecting' && this.#phase !== 'securing') return;
    this.#phase = 'idle';
    const nowMs = this.#clock();
    this.#establishedMs = nowMs;
    this.#setupMs = nowMs - this.#connectMs;
    this.#idleSinceMs = nowMs;
    this.#localPort = this.#socket?.localPort ?? null;
    this.#owner.onEstablished(this);
  }

  /**
   * Writes one request; the connection must be idle.
   * @param body takes the response's body; null: it is only counted
   */
  write(entry: Entry, text: string, method: string, body: BodyReader | null, nowMs: number): void {
    this.#requests += 1;
    const reused = this.#requests > 1;
    this.entry = entry;
    this.facts = {
      id: this.id,
      reused,
      setupMs: this.#setupMs,
      ageMs: this.#toAgeMs(nowMs),
      idleMs: reused ? nowMs - this.#idleSinceMs : 0,
      requests: this.#requests,
      localPort: this.#localPort,
      remoteAddress: this.#address,
    };
    this.#phase = 'busy';
    this.parser.begin(method, body);
    this.#socket?.write(text, 'latin1');
  }

  /** Waits for the server to close. */
  linger(): void {
    this.#phase = 'lingering';
  }

  /** Closes at once. */
  destroy(): void {
    this.#end(this.#establishedMs === null ? 'never_opened' : 'closed_by_load');
  }

  /** Gives up the request with this outcome. */
  fail(outcome: FailureOutcome, detail: string): void {
    if (this.#address !== null) this.facts ??= this.#toAttempt(this.#address);
    this.destroy();
    this.#owner.onFailed(this, outcome, detail);
  }

  #toAgeMs(nowMs: number): number {
    return this.#establishedMs === null ? 0 : nowMs - this.#establishedMs;
  }

  #end(ending: ConnectionEnding): void {
    if (this.#phase === 'closed') return;
    const endMs = this.#clock();
    const isIdle = this.#phase === 'idle' || this.#phase === 'lingering';
    this.#phase = 'closed';
    this.#socket?.destroy();
    this.#owner.onEnded({
      id: this.id,
      from: null,
      role: this.role,
      ending,
      openedMs: this.#openedMs,
      establishedMs: this.#establishedMs,
      endMs,
      idleMs: isIdle ? endMs - this.#idleSinceMs : null,
      requests: this.#requests,
      localPort: this.#localPort,
      remoteAddress: this.#address,
      pod: this.pod,
      version: this.version,
    });
  }

  #toAttempt(address: string): ConnectionFacts {
    return {
      id: this.id,
      reused: false,
      setupMs: this.#clock() - this.#connectMs,
      ageMs: 0,
      idleMs: 0,
      requests: 0,
      localPort: null,
      remoteAddress: address,
    };
  }

  #onData(chunk: Buffer): void {
    let consumed = 0;
    if (this.#phase === 'busy') {
      consumed = this.parser.push(chunk);
      if (this.parser.complaint !== null) this.fail('protocol_error', this.parser.complaint);
      else if (this.parser.isComplete) this.#answered(consumed < chunk.length || !this.parser.isPersistent);
    }
    if (consumed < chunk.length && this.#phase !== 'closed') {
      this.#owner.onExcess();
      this.#closed();
    }
  }

  /** @param code of the error; null: the server closed in order */
  #onEnd(code: string | null): void {
    if (this.#phase === 'closed') return;
    if (this.#phase === 'busy' && code === null) {
      this.parser.end();
      if (this.parser.isComplete) this.#answered(true);
    }
    const failure = toFailure(this.#phase, code, this.parser.bytesReceived);
    this.#end(toClosing(this.#phase, failure));
    if (failure === null) this.#owner.onClosed(this);
    else this.fail(failure, code ?? 'closed by the server');
  }

  #answered(isSpent: boolean): void {
    this.#phase = 'idle';
    this.#idleSinceMs = this.#clock();
    this.#owner.onAnswered(this, isSpent);
  }

  #closed(): void {
    this.destroy();
    this.#owner.onClosed(this);
  }
}

/** `onread` spares the bytes the way through a stream, which would cost more than the parser. */
function toSocket(target: Target, address: string, onread: OnReadOpts): Socket {
  const { port } = toNextHop(target);
  if (target.tls === null) return connectTcp({ host: address, port, onread });
  return connectTls({
    host: address,
    port,
    onread,
    ALPNProtocols: PROTOCOLS,
    ...toTlsOptions(target),
  });
}
