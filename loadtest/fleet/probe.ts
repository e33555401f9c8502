import { request } from 'node:http';

const PROBE_TIMEOUT_MS = 1_000;

/** One readiness probe, as the kubelet makes it: any status from 200 to 399 within the timeout is a success. */
export function isReady(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ host: '127.0.0.1', port, path, agent: false, timeout: PROBE_TIMEOUT_MS });
    probe.on('response', (response) => {
      const { statusCode = 0 } = response;
      response.resume();
      resolve(statusCode >= 200 && statusCode < 400);
    });
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => resolve(false));
    probe.on('close', () => resolve(false));
    probe.end();
  });
}
