import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type HttpProxy, type Target, toAuthority, toNextHop, toTlsOptions } from './target.ts';

/** Of the proxy's response to CONNECT. */
const MAX_HEAD_BYTES = 16_384;

/**
 * Asks the proxy at the other end of a TCP connection for a tunnel, RFC 9110 §9.3.6.
 * @param onOpen told once what is written goes to the target, with what has come from there already
 * @param onRefused told why there is no tunnel, unless the connection ends by itself; the socket is the caller's to close
 */
export function openTunnel(
  socket: Socket,
  target: Target,
  proxy: HttpProxy,
  onOpen: (early: Buffer) => void,
  onRefused: (reason: string) => void,
): void {
  const authority = toAuthority(target.connectTo ?? target);
  const authorization = proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  const told = (what: string) => `the proxy ${toAuthority(proxy)} ${what} to CONNECT ${authority}`;
  let head = Buffer.alloc(0);

  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1 && head.length <= MAX_HEAD_BYTES) return;
    socket.off('data', onData);
    const [, status] = /^HTTP\/1\.[01] (\d{3})\b/.exec(head.toString('latin1', 0, 16)) ?? [];
    if (end === -1 || status === undefined) onRefused(told('gave no HTTP response'));
    else if (!status.startsWith('2')) onRefused(told(`responded ${status}`));
    else onOpen(head.subarray(end + 4));
  };
  socket.on('data', onData);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
}

/** A TCP connection to the target, through its proxy if it has one. Rejects with the socket's error, or why there is no tunnel. */
export function openTcp(target: Target, signal?: AbortSignal): Promise<Socket> {
  const { host, port } = toNextHop(target);
  const { proxy } = target;
  const socket = connectTcp({ host, port, noDelay: true });
  return untilOpen(socket, signal, (open, fail) => {
    socket.once('connect', () => {
      if (proxy === undefined) return open();
      const onOpen = (early: Buffer) => {
        if (early.length > 0) {
          socket.pause();
          socket.unshift(early);
        }
        open();
      };
      openTunnel(socket, target, proxy, onOpen, (reason) => fail(new Error(reason)));
    });
  });
}

/** A connection that carries requests to the target, TLS included. Rejects as `openTcp`, or with the error of TLS. */
export async function openStream(
  target: Target,
  { signal, protocols = ['http/1.1'] }: { signal?: AbortSignal; protocols?: readonly string[] } = {},
): Promise<Socket> {
  const socket = await openTcp(target, signal);
  if (target.tls === null) return socket;
  const secure = connectTls({ socket, ALPNProtocols: [...protocols], ...toTlsOptions(target) });
  secure.once('close', () => socket.destroy());
  return untilOpen(secure, signal, (open) => secure.once('secureConnect', open));
}

/** Closes the socket where it does not open, or the signal comes before. */
function untilOpen<S extends Socket>(
  socket: S,
  signal: AbortSignal | undefined,
  begin: (open: () => void, fail: (error: Error) => void) => void,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off('error', fail);
      socket.off('close', onClose);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error) => {
      settle();
      // What else goes wrong with it is of no account.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onClose = () => fail(new Error('the connection was closed before it was open'));
    const onAbort = () => fail(new Error('given up'));
    socket.on('error', fail);
    socket.on('close', onClose);
    signal?.addEventListener('abort', onAbort);
    begin(() => {
      settle();
      resolve(socket);
    }, fail);
    if (signal?.aborted === true) onAbort();
  });
}
