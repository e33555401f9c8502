import {
  type ClientRequest,
  Agent as HttpAgent,
  type OutgoingHttpHeaders,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Target, toTlsOptions } from '../engine/target.ts';
import { openTcp } from '../engine/tunnel.ts';
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
  proxy,
  impersonation,
}: Access): Requester {
  const url = new URL(server);
  const serverName = tlsServerName === null ? {} : { serverName: tlsServerName };
  const access = { ca, isVerified: !isTlsUnchecked, ...serverName };
  const target = { ...toTarget(url, access), ...(proxy === undefined ? {} : { proxy }) };
  const [open, Agent] = target.tls === null ? [requestHttp, HttpAgent] : [requestHttps, HttpsAgent];
  const agent = new Agent({ keepAlive: true });
  if (proxy !== undefined) agent.createConnection = toTunnels(target);
  const options = {
    hostname: target.host,
    port: target.port,
    agent,
    ...toTlsOptions(target),
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

/** The `createConnection` of an agent whose connections lead through the target's proxy. */
function toTunnels(target: Target): HttpAgent['createConnection'] {
  return (options, onOpen) => {
    openTcp(target).then(
      (socket) => {
        if (target.tls === null) return onOpen?.(null, socket);
        // Its `host` and `path` are those of the request, and not of a connection to be made.
        const { host: _, path: __, ...own } = options as ConnectionOptions;
        const secure = connectTls({ ...own, socket });
        secure.once('close', () => socket.destroy());
        onOpen?.(null, secure);
      },
      (error: Error) => onOpen?.(error, undefined as unknown as Socket),
    );
    return undefined;
  };
}
