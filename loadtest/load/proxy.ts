import { BlockList, isIP } from 'node:net';
import { Fault } from '../cli/fault.ts';
import type { HttpProxy } from '../engine/target.ts';

/** Which proxy leads to which URL. Plain data. */
export interface ProxyRules {
  /** Null: none. */
  readonly http: HttpProxy | null;
  readonly https: HttpProxy | null;
  /** Hosts without a proxy, as NO_PROXY has them. */
  readonly bypass: readonly string[];
}

/** Hosts that the environment's proxies are never asked for, as kubectl and other programs in Go have it. */
const LOCAL = ['localhost', '127.0.0.0/8', '::1'];

/**
 * `http://[USER:PASSWORD@]HOST[:PORT]`; the scheme may be left out.
 * @throws {Fault} for a proxy of another kind
 */
export function parseProxy(text: string): HttpProxy {
  const full = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url === null || url.protocol !== 'http:' || url.hostname === '') {
    throw new Fault(
      'must be http://HOST:PORT: a proxy that is spoken to in plain HTTP, and asked by CONNECT',
    );
  }
  const user = [url.username, url.password].map(decodeURIComponent).join(':');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    authorization: user === ':' ? null : `Basic ${Buffer.from(user).toString('base64')}`,
  };
}

/** This proxy for every URL. */
export function toFixedRules(proxy: HttpProxy): ProxyRules {
  return { http: proxy, https: proxy, bypass: [] };
}

/**
 * The proxies of HTTP_PROXY, HTTPS_PROXY and NO_PROXY; the names in lower case come first.
 * @throws {Fault} that names the variable at fault
 */
export function readProxyRules(env: Readonly<Record<string, string | undefined>>): ProxyRules {
  const find = (name: string) => {
    const found = [name.toLowerCase(), name].find((key) => (env[key] ?? '') !== '');
    return found === undefined ? null : { name: found, value: (env[found] ?? '').trim() };
  };
  const proxyOf = (name: string) => {
    const given = find(name);
    if (given === null) return null;
    try {
      return parseProxy(given.value);
    } catch (error) {
      throw new Fault(`the environment variable ${given.name} ${(error as Error).message}`);
    }
  };
  const bypass = (find('NO_PROXY')?.value ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return { http: proxyOf('HTTP_PROXY'), https: proxyOf('HTTPS_PROXY'), bypass: [...LOCAL, ...bypass] };
}

/** The proxy on the way to a URL; null: none. */
export function chooseProxy(url: URL, { http, https, bypass }: ProxyRules): HttpProxy | null {
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === null) return null;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return bypass.some((entry) => isBypassed(host, port, entry.toLowerCase())) ? null : proxy;
}

/**
 * Does an entry of NO_PROXY hold for a host? `*` holds for all, `shop.test` for it and for what is below it,
 * `.shop.test` for what is below it alone, `10.0.0.0/8` for addresses; `:PORT` limits an entry to one port.
 */
function isBypassed(host: string, port: string, entry: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInSubnet(host, entry);
  if (isIP(entry) !== 0) return host === entry;
  const [, bare = entry, ofPort] = /^(?:\[?(.+?)\]?):(\d+)$/.exec(entry) ?? [];
  if (ofPort !== undefined && ofPort !== port) return false;
  if (host === bare) return true;
  return isIP(host) === 0 && host.endsWith(bare.startsWith('.') ? bare : bare.replace(/^(\*\.)?/, '.'));
}

function isInSubnet(host: string, entry: string): boolean {
  const [network = '', bits = ''] = entry.split('/');
  const family = isIP(network);
  const length = Number(bits);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(bits) || length > (family === 4 ? 32 : 128)) {
    return false;
  }
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const subnet = new BlockList();
  subnet.addSubnet(network, length, type);
  return subnet.check(host, type);
}
