import { portNumber } from './container.ts';
import { type Field, formatPath } from './field.ts';

type ProbeName = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

export interface Probe {
  readonly field: Field;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  readonly initialDelaySeconds: number;
  /** From the first failure until the kubelet acts on it. */
  readonly patienceSeconds: number;
  /** What is asked, to compare: the same text is the same endpoint. */
  readonly endpoint: string;
}

/**
 * A container's probe with the defaults filled in; undefined where it has none.
 *
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes
 */
export function toProbe(container: Field, name: ProbeName): Probe | undefined {
  const field = container.get(name);
  if (!field.exists) return undefined;
  const setting = (key: string, byDefault: number) => field.get(key).number() ?? byDefault;
  const periodSeconds = setting('periodSeconds', 10);
  const failureThreshold = setting('failureThreshold', 3);
  return {
    field,
    periodSeconds,
    failureThreshold,
    timeoutSeconds: setting('timeoutSeconds', 1),
    initialDelaySeconds: setting('initialDelaySeconds', 0),
    patienceSeconds: periodSeconds * failureThreshold,
    endpoint: toEndpoint(container, field),
  };
}

function toEndpoint(container: Field, probe: Field): string {
  const http = probe.get('httpGet');
  if (http.exists) return `http ${portText(container, http.get('port'))} ${http.get('path').text() ?? '/'}`;
  const tcp = probe.get('tcpSocket');
  if (tcp.exists) return `tcp ${portText(container, tcp.get('port'))}`;
  return ['grpc', 'exec']
    .filter((way) => probe.get(way).exists)
    .map((way) => `${way} ${JSON.stringify(probe.get(way).value)}`)
    .join('');
}

/** Its number, where that is known. */
function portText(container: Field, port: Field): string {
  return String(portNumber(container, port.scalar()) ?? port.scalar() ?? '');
}

/** Does the readiness probe connect to this port, given by number or by name? Null: it is not known which. */
export function isProbed(container: Field, port: number | string | null): boolean {
  const probe = container.get('readinessProbe');
  const asked = ['httpGet', 'tcpSocket', 'grpc'].map((way) =>
    portNumber(container, probe.get(way, 'port').scalar()),
  );
  const serving = portNumber(container, port);
  return serving !== undefined && asked.includes(serving);
}

/** The port of a probe, where it is given by a name that the container does not declare. */
export function undeclaredPort(container: Field, { field }: Probe): Field | undefined {
  return ['httpGet', 'tcpSocket']
    .map((way) => field.get(way, 'port'))
    .find((port) => {
      const name = port.text();
      return name !== undefined && !/^\d+$/.test(name) && portNumber(container, name) === undefined;
    });
}

export function formatProbe({ field }: Probe): string {
  return formatPath(field.path.slice(-1));
}
