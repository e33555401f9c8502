import type { ClientRequest, IncomingMessage } from 'node:http';
import { Fault } from '../cli/fault.ts';
import { type ApiRequest, createRequester } from './api-request.ts';
import { type Json, parseJson, textAt } from './json.ts';
import type { Access, Credentials } from './kubeconfig.ts';
import { readLines, readText } from './response-body.ts';

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

type OnResponse = (response: IncomingMessage, resolve: () => void, reject: (error: Error) => void) => void;

interface ApiOptions {
  /** How long a response may take to begin [15 s]. */
  readonly headTimeoutMs?: number;
  /** How long a response that has begun may be silent [15 s]. Streams may be silent for ever. */
  readonly silenceTimeoutMs?: number;
}

const RESPONSE_TIMEOUT_MS = 15_000;

/** A client of one API server. Calls reject with a `Fault` that has the response's status. */
export function createApi(
  access: Access,
  { headTimeoutMs = RESPONSE_TIMEOUT_MS, silenceTimeoutMs = RESPONSE_TIMEOUT_MS }: ApiOptions = {},
): Api {
  const open = createRequester(access);

  /** With other credentials once more where those at hand have been refused. */
  async function send(request: ApiRequest, onResponse: OnResponse): Promise<void> {
    const sendAs = (credentials: Credentials) =>
      exchange(open(request, credentials), toSubject(request), headTimeoutMs, onResponse);
    const credentials = await findCredentials(request);
    try {
      await sendAs(credentials);
    } catch (error) {
      if (toApiStatus(error) !== 401) throw error;
      const others = await findCredentials(request, credentials);
      if (others === credentials) throw error;
      await sendAs(others);
    }
  }

  function findCredentials(request: ApiRequest, refused?: Credentials): Promise<Credentials> {
    return access.credentials(refused).catch((error: Error) => {
      throw toApiFault(null, `${toSubject(request)}: ${error.message}`);
    });
  }

  async function call(request: ApiRequest): Promise<Json> {
    let body: Json = {};
    await send(request, (response, resolve, reject) => {
      readText(response, silenceTimeoutMs, reject)
        .then((text) => {
          body = toBody(toSubject(request), response.statusCode ?? 0, text);
          resolve();
        })
        .catch(reject);
    });
    return body;
  }

  return {
    get: (path, signal) => call({ method: 'GET', path, signal }),
    post: (path, body) => call({ method: 'POST', path, body }),
    patch: (path, type, body) => call({ method: 'PATCH', path, body, type: PATCH_TYPES[type] }),
    remove: (path, body) => call({ method: 'DELETE', path, body }),
    stream: (path, { onOpen, onLine }, signal) => {
      const request = { method: 'GET', path, signal };
      return send(request, (response, resolve, reject) => {
        const status = response.statusCode ?? 0;
        if (status === 200) {
          onOpen();
          readLines(response, onLine, resolve);
        } else {
          readText(response, silenceTimeoutMs, reject)
            .then((text) => reject(toRefusal(toSubject(request), status, text)))
            .catch(reject);
        }
      });
    },
  };
}

/** Hands over the response, and rejects with what breaks before or after it has begun. */
function exchange(
  request: ClientRequest,
  subject: string,
  headTimeoutMs: number,
  onResponse: OnResponse,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(error instanceof Fault ? error : toApiFault(null, `${subject}: ${error.message}`));
    const giveUp = () => request.destroy(new Error(`no response in ${headTimeoutMs / 1_000} s`));
    const unanswered = setTimeout(giveUp, headTimeoutMs);
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
  });
}

/** What a fault is about. */
function toSubject({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}

/** @throws {Fault} where it is a refusal, or no JSON */
function toBody(subject: string, status: number, text: string): Json {
  if (status >= 400) throw toRefusal(subject, status, text);
  const body = parseJson(text);
  if (body === null) throw toApiFault(status, `${subject}: the response is not JSON`);
  return body;
}

function toRefusal(subject: string, status: number, text: string): Fault {
  const message = textAt(parseJson(text), 'message') ?? text.slice(0, 200);
  return toApiFault(status, `${subject}: ${status} ${message}`);
}
