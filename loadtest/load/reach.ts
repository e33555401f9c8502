import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Fault } from '../cli/fault.ts';
import type { Endpoint } from '../engine/settlement.ts';
import { type Target, toTlsOptions } from '../engine/target.ts';

const PROBE_TIMEOUT_MS = 5_000;
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * Opens a connection and closes it, so that a wrong address is told before the run and not by its every request.
 * @throws {Fault} that says why there is none
 */
export async function checkReachable(target: Target): Promise<void> {
  const { host, port, tls } = target;
  await new Promise<void>((resolve, reject) => {
    const socket =
      tls === null ? connectTcp({ host, port }) : connectTls({ host, port, ...toTlsOptions(target) });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Fault(`cannot reach ${host} on port ${port}: ${reason}`));
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => fail(`no connection within ${PROBE_TIMEOUT_MS / 1_000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(toReason(error)));
    socket.once(tls === null ? 'connect' : 'secureConnect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** The response's text and the pod that gave it; null where there is no 200. */
export async function fetchText(
  target: Target,
  path: string,
  podHeader: string,
): Promise<{ text: string; pod: string | null } | null> {
  const { host, port, tls } = target;
  return new Promise((resolve) => {
    const options = { host, port, path, agent: false, timeout: PROBE_TIMEOUT_MS } as const;
    const request =
      tls === null ? requestHttp(options) : requestHttps({ ...options, ...toTlsOptions(target) });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(null));
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_TEXT_BYTES) request.destroy();
        else chunks.push(chunk);
      });
      response.once('close', () => {
        const pod = response.headers[podHeader.toLowerCase()];
        const isWhole = response.complete && response.statusCode === 200;
        resolve(isWhole ? { text: Buffer.concat(chunks).toString(), pod: pod?.toString() ?? null } : null);
      });
    });
    request.end();
  });
}

/** A response, as far as it is looked through. */
export interface Sample {
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The first 4 KiB, a character for each byte; empty where they are encoded. */
  readonly body: string;
}

const SAMPLE_BYTES = 4_096;
const SAMPLE_TIMEOUT_MS = 1_000;

/** One response, on a connection of its own; null where none comes in a second. Never rejects. */
export async function fetchSample(
  { host, port, tls, ...trust }: Target,
  { path, headers = {} }: Pick<Endpoint, 'path' | 'headers'>,
): Promise<Sample | null> {
  return new Promise((resolve) => {
    const options = { host, port, path, headers, agent: false, timeout: SAMPLE_TIMEOUT_MS } as const;
    const request =
      tls === null
        ? requestHttp(options)
        : requestHttps({ ...options, ...toTlsOptions({ host, port, tls, ...trust }) });
    const giveUp = setTimeout(() => request.destroy(), SAMPLE_TIMEOUT_MS);
    request.once('error', () => resolve(null));
    request.once('close', () => {
      clearTimeout(giveUp);
      resolve(null);
    });
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = () => {
        request.destroy();
        const body = Buffer.concat(chunks).toString('latin1', 0, SAMPLE_BYTES);
        const fields = Object.entries(response.headers);
        resolve({
          headers: Object.fromEntries(fields.map(([name, value]) => [name, String(value)])),
          body: response.headers['content-encoding'] === undefined ? body : '',
        });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes >= SAMPLE_BYTES) end();
      });
      response.once('end', end);
    });
    request.end();
  });
}

function toReason(error: NodeJS.ErrnoException): string {
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED') return 'connection refused; is it listening there?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name is not known';
  if (/^ERR_SSL|^EPROTO/.test(code)) return 'it does not speak TLS there, as https does';
  if (/CERT|SIGNATURE|ISSUER|ALTNAME/.test(code)) return `its certificate is not trusted (${code}); see --ca`;
  return error.message.replace(/\s+/g, ' ').trim();
}
