import { Fault } from '../cli/fault.ts';
import type { HostPort, Target, TlsTrust } from '../engine/target.ts';
import { chooseProxy, type ProxyRules } from './proxy.ts';

/** How targets are connected to, whatever their URL. Plain data. */
export interface TargetAccess extends TlsTrust {
  /** Where connections lead instead of the URL's host and port. */
  readonly connectTo?: HostPort;
  /** Absent: connections are direct. */
  readonly proxies?: ProxyRules;
}

/** @throws {Fault} where it is not an http or https URL of a host */
export function parseTargetUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new Fault(`${JSON.stringify(text)} is no http or https URL, as http://localhost:3000`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Fault(
      "the URL holds a password, which would end up in reports: use --header 'Authorization: ...'",
    );
  }
  return url;
}

/** `HOST:PORT`, an IPv6 address in brackets. @throws {Fault} where it is not */
export function parseHostPort(text: string): HostPort {
  const [, host, port] = /^(\[[\da-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new Fault('must be HOST:PORT, for example 10.0.0.7:8443 or [fd00::7]:8443');
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

export function toTarget(url: URL, { connectTo, proxies, ...trust }: TargetAccess): Target {
  const isTls = url.protocol === 'https:';
  const proxy = proxies === undefined ? null : chooseProxy(url, proxies);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
    tls: isTls ? trust : null,
    ...(connectTo === undefined ? {} : { connectTo }),
    ...(proxy === null ? {} : { proxy }),
  };
}
