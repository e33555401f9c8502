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

/** The Host field, RFC 9110 §7.2: the port only where it is not the scheme's own. */
export function toHostField({ host, port, tls }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (tls === null ? 80 : 443) ? name : `${name}:${port}`;
}
