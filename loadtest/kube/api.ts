import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { Fault } from '../cli/fault.ts';
import { toTlsOptions } from '../engine/target.ts';
import { toTarget } from '../load/target-url.ts';
import { isObject, type Json, textAt } from './json.ts';
import type { Access, Credentials } from './kubeconfig.ts';

/**
 * The API server said no, or could not be heard: then nothing is known of what was asked.
 * @param httpStatus null: no response
 */
export function toApiFault(httpStatus: number | null, message: string): Fault {
  const exit = isUnheardStatus(httpStatus) ? 'inconclusive' : 'usage';
  return new Fault(message, { exit, httpStatus });
}

/** The API server's status, null without a response; undefined where the error is none of the API server's. */
export function toApiStatus(error: unknown): number | null | undefined {
  return error instanceof Fault ? error.httpStatus : undefined;
}

/** Does this fault say nothing about the request? 401: the credentials are being renewed; 409: someone else was faster. */
export function isPassing(error: unknown): boolean {
  return isUnheard(error) || [401, 409, 429].includes(toApiStatus(error) ?? 0);
}

/** Is the API server not there, or in trouble of its own? */
export function isUnheard(error: unknown): boolean {
  const status = toApiStatus(error);
  return status !== undefined && isUnheardStatus(status);
}

function isUnheardStatus(httpStatus: number | null): boolean {
  return httpStatus === null || httpStatus >= 500;
}

/** The patch formats of the Kubernetes API. */
const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface Api {
  get(path: string, signal?: AbortSignal): Promise<Json>;
  post(path: string, body: Json): Promise<Json>;
  patch(path: string, type: keyof typeof PATCH_TYPES, body: unknown): Promise<Json>;
  remove(path: string, body: Json): Promise<Json>;
  /** Hands over each line as it comes, until the server ends the stream. Rejects where it breaks. */
  stream(path: string, hooks: StreamHooks, signal: AbortSignal): Promise<void>;
}

export interface StreamHooks {
  /** The server has answered with 200: what happens from now on will come as a line. */
  onOpen(): void;
  onLine(line: string): void;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
}

type OnResponse = (response: IncomingMessage, resolve: () => void, reject: (error: Error) => void) => void;

interface ApiOptions {
  /** How long a response may be silent before it is given up, its head or the rest of it. Default: 15 s. */
  readonly answerTimeoutMs?: number;
}

const ANSWER_TIMEOUT_MS = 15_000;
const MAX_LINE_BYTES = 8_000_000;

/** A client of one API server. Calls reject with a `Fault` that has the response's status. */
export function createApi(access: Access, { answerTimeoutMs = ANSWER_TIMEOUT_MS }: ApiOptions = {}): Api {
  const url = new URL(access.server);
  const target = toTarget(url, { ca: access.ca, isVerified: !access.isTlsUnchecked });
  const options = {
    hostname: target.host,
    port: target.port,
    agent: new (target.tls === null ? HttpAgent : HttpsAgent)({ keepAlive: true }),
    ...toTlsOptions(target, access.tlsServerName),
  };

  /** With other credentials once more where those at hand have been refused. */
  async function send(request: Request, onResponse: OnResponse): Promise<void> {
    const credentials = await findCredentials(request);
    try {
      await sendAs(credentials, request, onResponse);
    } catch (error) {
      if (toApiStatus(error) !== 401) throw error;
      const others = await findCredentials(request, credentials);
      if (others === credentials) throw error;
      await sendAs(others, request, onResponse);
    }
  }

  function findCredentials({ method, path }: Request, refused?: Credentials): Promise<Credentials> {
    return access.credentials(refused).catch((error: Error) => {
      throw toApiFault(null, `${method} ${path}: ${error.message}`);
    });
  }

  function sendAs(
    { token, clientCertificate }: Credentials,
    { method, path, body, type = 'application/json', signal }: Request,
    onResponse: OnResponse,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? null : JSON.stringify(body);
      const request = (target.tls === null ? requestHttp : requestHttps)({
        ...options,
        ...(clientCertificate ?? {}),
        method,
        path: `${url.pathname.replace(/\/$/, '')}${path}`,
        headers: {
          accept: 'application/json',
          ...access.impersonation,
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(payload) }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      const fail = (error: Error) =>
        reject(error instanceof Fault ? error : toApiFault(null, `${method} ${path}: ${error.message}`));
      const giveUp = () => request.destroy(new Error(`no response in ${answerTimeoutMs / 1_000} s`));
      const unanswered = setTimeout(giveUp, answerTimeoutMs);
      request.on('error', (error) => {
        clearTimeout(unanswered);
        fail(error);
      });
      request.on('response', (response) => {
        clearTimeout(unanswered);
        response.on('error', fail);
        response.on('aborted', () => fail(new Error('the connection broke')));
        onResponse(response, resolve, fail);
      });
      request.end(payload ?? undefined);
    });
  }

  async function call(request: Request): Promise<Json> {
    const { method, path } = request;
    let answer: Json = {};
    await send(request, (response, resolve, reject) => {
      void readAll(response, answerTimeoutMs, reject).then((text) => {
        const status = response.statusCode ?? 0;
        const parsed = parseJson(text);
        if (status >= 400) {
          reject(toRefusal(method, path, status, parsed, text));
        } else if (parsed === null) {
          reject(toApiFault(status, `${method} ${path}: the response is not JSON`));
        } else {
          answer = parsed;
          resolve();
        }
      }, reject);
    });
    return answer;
  }

  return {
    get: (path, signal) => call({ method: 'GET', path, signal }),
    post: (path, body) => call({ method: 'POST', path, body }),
    patch: (path, type, body) => call({ method: 'PATCH', path, body, type: PATCH_TYPES[type] }),
    remove: (path, body) => call({ method: 'DELETE', path, body }),
    stream: (path, { onOpen, onLine }, signal) =>
      send({ method: 'GET', path, signal }, (response, resolve, reject) => {
        const status = response.statusCode ?? 0;
        if (status !== 200) {
          void readAll(response, answerTimeoutMs, reject).then(
            (text) => reject(toRefusal('GET', path, status, parseJson(text), text)),
            reject,
          );
          return;
        }
        onOpen();
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          if (rest.length > MAX_LINE_BYTES) response.destroy(new Error('a line without end'));
          for (const line of lines) if (line.trim() !== '') onLine(line);
        });
        response.on('end', resolve);
      }),
  };
}

/** All of the body, which may take its time as long as it comes: a silence of `timeoutMs` is told as such. */
async function readAll(
  response: IncomingMessage,
  timeoutMs: number,
  onStall: (error: Error) => void,
): Promise<string> {
  const stalled = setTimeout(() => {
    onStall(new Error(`the response stopped for ${timeoutMs / 1_000} s`));
    response.destroy();
  }, timeoutMs);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      stalled.refresh();
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    clearTimeout(stalled);
  }
}

export function parseJson(text: string): Json | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function toRefusal(method: string, path: string, status: number, parsed: Json | null, text: string): Fault {
  const message = textAt(parsed, 'message') ?? text.slice(0, 200);
  return toApiFault(status, `${method} ${path}: ${status} ${message}`);
}
