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
  if (http.exists) return `http ${portNumber(container, http.get('port'))} ${http.get('path').text() ?? '/'}`;
  const tcp = probe.get('tcpSocket');
  if (tcp.exists) return `tcp ${portNumber(container, tcp.get('port'))}`;
  return ['grpc', 'exec']
    .filter((way) => probe.get(way).exists)
    .map((way) => `${way} ${JSON.stringify(probe.get(way).value)}`)
    .join('');
}

/** The number of a port given by name, where the container declares it. */
function portNumber(container: Field, port: Field): string {
  const named = container
    .get('ports')
    .items()
    .find((each) => each.get('name').text() === port.text());
  return String(named?.get('containerPort').number() ?? port.scalar() ?? '');
}

/** The port of a probe, where it is given by a name that the container does not declare. */
export function undeclaredPort(container: Field, { field }: Probe): Field | undefined {
  return ['httpGet', 'tcpSocket']
    .map((way) => field.get(way, 'port'))
    .find((port) => {
      const name = port.text();
      const names = container.get('ports').items();
      return (
        name !== undefined && !/^\d+$/.test(name) && !names.some((each) => each.get('name').text() === name)
      );
    });
}

export function formatProbe({ field }: Probe): string {
  return formatPath(field.path.slice(-1));
}
