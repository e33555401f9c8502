import {
  type ClientRequest,
  Agent as HttpAgent,
  type OutgoingHttpHeaders,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { toTlsOptions } from '../engine/target.ts';
import { toTarget } from '../load/target-url.ts';
import type { Access, Credentials } from './kubeconfig.ts';

/** One request to the API server. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body [application/json]. */
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
}

type Requester = (request: ApiRequest, credentials: Credentials) => ClientRequest;

/** Sends requests to one API server, over keep-alive connections. */
export function createRequester({
  server,
  ca,
  isTlsUnchecked,
  tlsServerName,
  impersonation,
}: Access): Requester {
  const url = new URL(server);
  const target = toTarget(url, { ca, isVerified: !isTlsUnchecked });
  const [open, Agent] = target.tls === null ? [requestHttp, HttpAgent] : [requestHttps, HttpsAgent];
  const options = {
    hostname: target.host,
    port: target.port,
    agent: new Agent({ keepAlive: true }),
    ...toTlsOptions(target, tlsServerName),
  };
  return ({ method, path, body, type = 'application/json', signal }, { token, clientCertificate }) => {
    const payload = body === undefined ? null : JSON.stringify(body);
    const headers: OutgoingHttpHeaders = {
      accept: 'application/json',
      ...impersonation,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(payload === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(payload) }),
    };
    const request = open({
      ...options,
      ...(clientCertificate ?? {}),
      method,
      path: `${url.pathname.replace(/\/$/, '')}${path}`,
      headers,
      ...(signal === undefined ? {} : { signal }),
    });
    return request.end(payload ?? undefined);
  };
}
