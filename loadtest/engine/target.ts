import { isIP } from 'node:net';

/** How the server's certificate is judged. */
interface TlsTrust {
  /** PEM certificates to trust instead of the runtime's own; null: the runtime's. */
  readonly ca: string | null;
  /** False: any certificate will do. */
  readonly isVerified: boolean;
}

/** Where the requests go. */
export interface Target {
  /** Host name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Null: plain HTTP. */
  readonly tls: TlsTrust | null;
}

/** What `node:tls` and `node:https` are told of a target with TLS. */
interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  readonly ca?: string;
  readonly servername?: string;
}

/**
 * How `node:tls` shall judge the target's certificate; empty for plain HTTP.
 * @param serverName to name and to check instead of the host; an IP address is not named, RFC 6066 §3
 */
export function toTlsOptions({ host, tls }: Target, serverName: string | null = null): TlsOptions {
  if (tls === null) return {};
  const servername = serverName ?? (isIP(host) === 0 ? host : null);
  return {
    rejectUnauthorized: tls.isVerified,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(servername === null ? {} : { servername }),
  };
}

/** The Host field, RFC 9110 §7.2: the port only where it is not the scheme's own. */
export function toHostField({ host, port, tls }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (tls === null ? 80 : 443) ? name : `${name}:${port}`;
}
