import { isIP } from 'node:net';

/** How the server's certificate is judged, and what it is shown. */
export interface TlsTrust {
  /** PEM certificates to trust instead of the runtime's own; null: the runtime's. */
  readonly ca: string | null;
  /** False: any certificate will do. */
  readonly isVerified: boolean;
  /** PEM; absent: the server gets no certificate. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
  /** The name to ask for (SNI) and to check instead of the host's; absent: the host's. */
  readonly serverName?: string;
}

/** An end of a TCP connection. */
export interface HostPort {
  /** Host name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A proxy that opens tunnels by CONNECT, RFC 9110 §9.3.6. */
export interface HttpProxy extends HostPort {
  /** The Proxy-Authorization field; null: none. */
  readonly authorization: string | null;
}

/** Where the requests go. */
export interface Target extends HostPort {
  /** Null: plain HTTP. */
  readonly tls: TlsTrust | null;
  /** Where connections lead, whatever the host is; absent: to the host. */
  readonly connectTo?: HostPort;
  /** Absent: connections are direct. */
  readonly proxy?: HttpProxy;
}

/** What `node:tls` and `node:https` are told of a target with TLS. */
interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  readonly ca?: string;
  readonly servername?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** How `node:tls` shall judge the target's certificate, and what it shall show; empty for plain HTTP. */
export function toTlsOptions({ host, tls }: Pick<Target, 'host' | 'tls'>): TlsOptions {
  if (tls === null) return {};
  // An IP address is not named, RFC 6066 §3.
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : null);
  return {
    rejectUnauthorized: tls.isVerified,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(servername === null ? {} : { servername }),
    ...tls.clientCertificate,
  };
}

/** Where TCP connections are opened to. */
export function toNextHop(target: Target): HostPort {
  return target.proxy ?? target.connectTo ?? target;
}

/** The Host field, RFC 9110 §7.2: the port only where it is not the scheme's own. */
export function toHostField({ host, port, tls }: Target): string {
  return port === (tls === null ? 80 : 443) ? toUriHost(host) : toAuthority({ host, port });
}

/** `web:80`, `[::1]:80`: RFC 3986 §3.2. */
export function toAuthority({ host, port }: HostPort): string {
  return `${toUriHost(host)}:${port}`;
}

function toUriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
