import { Agent, type ClientRequest, type ClientRequestArgs, request as requestHttp } from 'node:http';
import type { Socket } from 'node:net';
import { Fault } from '../cli/fault.ts';
import type { Endpoint } from '../engine/settlement.ts';
import { type Target, toAuthority, toHostField, toNextHop } from '../engine/target.ts';
import { openStream } from '../engine/tunnel.ts';

const PROBE_TIMEOUT_MS = 5_000;
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * Opens a connection and closes it, so that a wrong address, or a server that speaks HTTP/2 alone, is told before the
 * run and not by its every request.
 * @throws {Fault} that says why there is none
 */
export async function checkReachable(target: Target): Promise<void> {
  const where = toWhere(target);
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const beganMs = performance.now();
  const socket = await openStream(target, { signal }).catch(async (error: NodeJS.ErrnoException) => {
    if (await isTlsHttp2Only(target, error)) throw toHttp2Fault(where);
    const reason = signal.aborted ? `no connection within ${PROBE_TIMEOUT_MS / 1_000} s` : toReason(error);
    throw new Fault(`cannot reach ${where}: ${reason}`);
  });
  if (isHttp2Frame(await readGreeting(socket, performance.now() - beganMs))) throw toHttp2Fault(where);
}

function toWhere(target: Target): string {
  const { host, port, proxy, connectTo } = target;
  const hop = toAuthority(toNextHop(target));
  const way = proxy !== undefined ? ` through the proxy ${hop}` : connectTo !== undefined ? ` at ${hop}` : '';
  return `${host} on port ${port}${way}`;
}

function toHttp2Fault(where: string): Fault {
  return new Fault(
    `${where} speaks HTTP/2 only, as gRPC servers do, and dropless sends HTTP/1.1: give the address of an HTTP/1.1 port, or of a proxy in front that takes HTTP/1.1`,
  );
}

/** Has TLS failed because the server accepts HTTP/2 alone (ALPN, RFC 7301)? */
async function isTlsHttp2Only(target: Target, { code = '' }: NodeJS.ErrnoException): Promise<boolean> {
  if (target.tls === null || !code.includes('NO_APPLICATION_PROTOCOL')) return false;
  const options = { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS), protocols: ['h2'] };
  return openStream(target, options).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

/** Longer than a server with something to say needs, after a round trip that took `connectMs` with all that it includes. */
const MIN_GREETING_MS = 100;
const MAX_GREETING_MS = 1_000;

/**
 * What a server says of itself to an empty line, and then closes the connection: HTTP/1.1 servers ignore it (RFC 9112
 * §2.2), and it is no request; to HTTP/2 servers it is a broken preface (RFC 9113 §3.4), where they have not sent
 * their SETTINGS before.
 */
function readGreeting(socket: Socket, connectMs: number): Promise<Buffer> {
  const waitMs = Math.min(MAX_GREETING_MS, Math.max(MIN_GREETING_MS, 2 * connectMs));
  return new Promise((resolve) => {
    const end = (greeting: Buffer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(greeting);
    };
    const timer = setTimeout(() => end(Buffer.alloc(0)), waitMs);
    socket.on('error', () => end(Buffer.alloc(0)));
    socket.once('close', () => end(Buffer.alloc(0)));
    socket.once('data', end);
    socket.resume();
    socket.write('\r\n');
  });
}

const FRAME_HEADER_BYTES = 9;
const MAX_FRAME_BYTES = 16_384;
const SETTINGS = 0x4;
const GOAWAY = 0x7;

/** Do the bytes begin with a frame that opens or refuses an HTTP/2 connection, RFC 9113 §4.1, §6.5, §6.8? */
export function isHttp2Frame(bytes: Buffer): boolean {
  if (bytes.length < FRAME_HEADER_BYTES) return false;
  const type = bytes.readUInt8(3);
  const stream = bytes.readUInt32BE(5);
  return bytes.readUIntBE(0, 3) <= MAX_FRAME_BYTES && (type === SETTINGS || type === GOAWAY) && stream === 0;
}

/** A request by `node:http`, on a connection of its own. */
function openRequest(target: Target, { headers, ...options }: ClientRequestArgs): ClientRequest {
  return requestHttp({
    ...options,
    agent: new TargetAgent(target),
    headers: { host: toHostField(target), ...headers },
  });
}

class TargetAgent extends Agent {
  readonly #target: Target;

  constructor(target: Target) {
    super({ maxSockets: 1 });
    this.#target = target;
  }

  override createConnection(_: object, onOpen?: (error: Error | null, socket: Socket) => void): undefined {
    openStream(this.#target).then(
      (socket) => onOpen?.(null, socket),
      (error: Error) => onOpen?.(error, undefined as unknown as Socket),
    );
  }
}

/** The response's text and the pod that gave it; null where there is no 200. */
export async function fetchText(
  target: Target,
  path: string,
  podHeader: string,
): Promise<{ text: string; pod: string | null } | null> {
  return new Promise((resolve) => {
    const request = openRequest(target, { path, timeout: PROBE_TIMEOUT_MS });
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
  target: Target,
  { path, headers = {} }: Pick<Endpoint, 'path' | 'headers'>,
): Promise<Sample | null> {
  return new Promise((resolve) => {
    const request = openRequest(target, { path, headers, timeout: SAMPLE_TIMEOUT_MS });
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
