import { request } from 'node:http';
import { formatDuration } from '../cli/duration.ts';

/** Kubernetes' own default of `timeoutSeconds`. */
const PROBE_TIMEOUT_MS = 1_000;
/** The kubelet reads no more of the response's body: https://github.com/kubernetes/kubernetes/blob/master/pkg/probe/http/http.go */
const MAX_BODY_BYTES = 10 * 1_024;

interface ProbeResult {
  readonly isSuccess: boolean;
  /** In words: `status 404`, `connection refused`. */
  readonly seen: string;
}

/**
 * One readiness probe, as the kubelet makes it: any status from 200 to 399 is a success if the whole response
 * arrives within the timeout. Redirects are not followed.
 */
export function probeReadiness(
  port: number,
  path: string,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const headers = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close' };
    const probe = request({ host: '127.0.0.1', port, path, headers, agent: false });
    const settle = (isSuccess: boolean, seen: string) => {
      clearTimeout(timer);
      resolve({ isSuccess, seen });
      probe.destroy();
    };
    const timer = setTimeout(
      () => settle(false, `no response within ${formatDuration(timeoutMs)}`),
      timeoutMs,
    );
    probe.on('response', (response) => {
      const { statusCode = 0 } = response;
      const finish = () => settle(statusCode >= 200 && statusCode < 400, `status ${statusCode}`);
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= MAX_BODY_BYTES) finish();
      });
      response.on('end', finish);
      response.on('error', () => {});
    });
    probe.on('error', (error: NodeJS.ErrnoException) =>
      settle(false, error.code === 'ECONNREFUSED' ? 'connection refused' : (error.code ?? error.message)),
    );
    probe.on('close', () => settle(false, 'a truncated response'));
    probe.end();
  });
}
