import type { ConnectionRole } from './connection-ledger.ts';

/** What the pool knows of a connection. */
interface Pooled {
  /** The pool leaves some of the kept ones idle. */
  role: ConnectionRole;
  /** Requests that it has carried, or carries. */
  readonly requests: number;
  /** Since when it has carried no request, in ms since the run's start. */
  readonly idleSinceMs: number;
  /** Is it too old for another request? */
  isExpired(nowMs: number): boolean;
  /** Waits for the server to close. */
  linger(): void;
  destroy(): void;
}

/** How long a spent connection may wait for the server to close it. */
const LINGER_MS = 1_000;

/** How many connections there are. */
export interface PoolSize {
  /** Opening, busy and idle ones at a time. */
  readonly max: number;
  /** Keep-alive connections that are opened before one is used again. */
  readonly kept: number;
  /** Connections that are left idle after their first request. */
  readonly idle: number;
}

/** The connections of a transport: opening, busy and idle ones, which are bounded, and those that only wait to be closed. */
export class ConnectionPool<Connection extends Pooled> {
  readonly #size: PoolSize;
  readonly #open = new Set<Connection>();
  /** In the order they became idle: the longest idle one is next, so that all stay in use. */
  readonly #idle = new Set<Connection>();
  readonly #lingering = new Set<Connection>();
  /** Of the open ones. */
  readonly #byRole: Record<ConnectionRole, number> = { fresh: 0, kept: 0, idle: 0 };
  #expired = 0;

  constructor(size: PoolSize) {
    this.#size = size;
  }

  /** Opening, busy and idle ones. */
  get open(): Iterable<Connection> {
    return this.#open;
  }

  /** How many were dropped because of their age. */
  get expired(): number {
    return this.#expired;
  }

  add(connection: Connection): void {
    this.#open.add(connection);
    this.#byRole[connection.role] += 1;
  }

  /** It has carried its request, and can carry another, or is left idle from now on. */
  release(connection: Connection): void {
    if (connection.requests > 1 || this.#byRole.idle >= this.#size.idle) {
      this.#idle.add(connection);
      return;
    }
    this.#byRole[connection.role] -= 1;
    connection.role = 'idle';
    this.#byRole.idle += 1;
  }

  /**
   * The one that has been idle longest; those too old are dropped. Undefined: none is left, or there are fewer than
   * there shall be.
   */
  take(nowMs: number): Connection | undefined {
    if (this.#byRole.kept < this.#size.kept && this.#open.size < this.#size.max) return undefined;
    for (const connection of this.#idle) {
      this.#idle.delete(connection);
      if (!connection.isExpired(nowMs)) return connection;
      this.#expired += 1;
      this.drop(connection);
    }
    return undefined;
  }

  /** May one more be opened? A fresh connection may take the place of an idle one, which is dropped for it. */
  makeRoom(isFresh: boolean): boolean {
    if (this.#open.size < this.#size.max) return true;
    if (!isFresh) return false;
    for (const connection of this.#idle) {
      this.drop(connection);
      return true;
    }
    return false;
  }

  /** It is spent; the server is given time to close it first. */
  retire(connection: Connection): void {
    this.#remove(connection);
    this.#lingering.add(connection);
    connection.linger();
  }

  drop(connection: Connection): void {
    this.#remove(connection);
    this.#idle.delete(connection);
    this.#lingering.delete(connection);
    connection.destroy();
  }

  /** Drops those that the server has not closed in time. */
  dropLingering(nowMs: number): void {
    for (const connection of this.#lingering) {
      if (nowMs - connection.idleSinceMs >= LINGER_MS) this.drop(connection);
    }
  }

  dropAll(): void {
    for (const connection of [...this.#open, ...this.#lingering]) this.drop(connection);
  }

  #remove(connection: Connection): void {
    if (this.#open.delete(connection)) this.#byRole[connection.role] -= 1;
  }
}
