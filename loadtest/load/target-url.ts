import { Fault } from '../cli/fault.ts';
import type { Target } from '../engine/target.ts';

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

export function toTarget(url: URL, trust: { ca: string | null; isVerified: boolean }): Target {
  const isTls = url.protocol === 'https:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
    tls: isTls ? trust : null,
  };
}
