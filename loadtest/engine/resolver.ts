import { isIP } from 'node:net';

/** `dns.promises.lookup` with `all`. */
export type Lookup = (host: string) => Promise<{ address: string; family: number }[]>;

/** One address of the host, a different one each time where it has several. */
export interface Resolver {
  resolve(onAddress: (address: string) => void, onError: (code: string) => void): void;
}

/**
 * Looks a host name up at most once in `ttlMs`, however many connections are being opened: a lookup each would
 * measure the name server. IPv4 is preferred, as there is no racing of families. Failures are not kept.
 */
export function createResolver(host: string, ttlMs: number, lookup: Lookup, clock: () => number): Resolver {
  let addresses: readonly string[] = [];
  let expiresMs = Number.NEGATIVE_INFINITY;
  let turn = 0;
  let pending: Promise<void> | null = null;

  if (isIP(host) !== 0) {
    addresses = [host];
    expiresMs = Number.POSITIVE_INFINITY;
  }

  async function refresh(): Promise<void> {
    try {
      const found = await lookup(host);
      const family = found.some((entry) => entry.family === 4) ? 4 : 6;
      addresses = found.flatMap((entry) => (entry.family === family ? [entry.address] : []));
      expiresMs = clock() + ttlMs;
    } finally {
      pending = null;
    }
  }

  function next(): string {
    turn += 1;
    return addresses[turn % addresses.length] ?? host;
  }

  return {
    resolve(onAddress, onError) {
      if (clock() < expiresMs) return onAddress(next());
      pending ??= refresh();
      pending.then(
        () => onAddress(next()),
        (error: NodeJS.ErrnoException) => onError(error.code ?? error.message),
      );
    },
  };
}
