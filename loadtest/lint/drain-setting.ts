/**
 * What a server does in the time after SIGTERM: `lameDuck` is how long it goes on accepting connections, `drain`
 * how long it then waits for requests in flight.
 */
export type DrainStage = 'lameDuck' | 'drain';

interface DrainSetting {
  /**
   * An environment variable, a command-line flag without its dashes, or a word in a mounted ConfigMap that the value
   * follows. Flags are matched without case.
   */
  readonly name: RegExp;
  readonly from: 'env' | 'flag' | 'file';
  readonly stage: DrainStage;
  /** The unit of a bare number; a value with its own unit, such as `30s`, needs none. */
  readonly unit: 'ms' | 's';
  readonly server: string;
  readonly source: string;
}

/** The known settings that tell servers how to shut down. */
export const DRAIN_SETTINGS: readonly DrainSetting[] = [
  {
    name: /^LAME_DUCK_MS$/,
    from: 'env',
    stage: 'lameDuck',
    unit: 'ms',
    server: 'dropless',
    source: 'README.md',
  },
  {
    name: /^DRAIN_TIMEOUT_MS$/,
    from: 'env',
    stage: 'drain',
    unit: 'ms',
    server: 'dropless',
    source: 'README.md',
  },
  {
    name: /^delay-shutdown$/i,
    from: 'flag',
    stage: 'lameDuck',
    unit: 's',
    server: 'agnhost netexec',
    source: 'https://github.com/kubernetes/kubernetes/tree/master/test/images/agnhost#netexec',
  },
  {
    name: /^lameduck$/,
    from: 'file',
    stage: 'lameDuck',
    unit: 's',
    server: 'CoreDNS',
    source: 'https://coredns.io/plugins/health/',
  },
  {
    name: /^shutdown-delay-duration$/i,
    from: 'flag',
    stage: 'lameDuck',
    unit: 's',
    server: 'API servers of Kubernetes',
    source: 'https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/',
  },
  {
    name: /^server-shutdown-timeout$/i,
    from: 'flag',
    stage: 'drain',
    unit: 's',
    server: 'podinfo',
    source: 'https://github.com/stefanprodan/podinfo',
  },
  {
    name: /^graceful-timeout$/i,
    from: 'flag',
    stage: 'drain',
    unit: 's',
    server: 'Gunicorn',
    source: 'https://docs.gunicorn.org/en/stable/settings.html#graceful-timeout',
  },
  {
    name: /^timeout-graceful-shutdown$/i,
    from: 'flag',
    stage: 'drain',
    unit: 's',
    server: 'Uvicorn',
    source: 'https://www.uvicorn.org/settings/#timeouts',
  },
  {
    name: /^SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE$/,
    from: 'env',
    stage: 'drain',
    unit: 'ms',
    server: 'Spring Boot',
    source: 'https://docs.spring.io/spring-boot/reference/web/graceful-shutdown.html',
  },
  {
    name: /^entrypoints\.[^.]+\.transport\.lifecycle\.requestacceptgracetimeout$/i,
    from: 'flag',
    stage: 'lameDuck',
    unit: 's',
    server: 'Traefik',
    source: 'https://doc.traefik.io/traefik/routing/entrypoints/#lifecycle',
  },
  {
    name: /^entrypoints\.[^.]+\.transport\.lifecycle\.gracetimeout$/i,
    from: 'flag',
    stage: 'drain',
    unit: 's',
    server: 'Traefik',
    source: 'https://doc.traefik.io/traefik/routing/entrypoints/#lifecycle',
  },
];

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Parses `1500`, `30s` or `1m30s` to seconds; undefined if it is not a time. */
export function parseSeconds(text: string, bareUnit: 'ms' | 's'): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * (SECONDS[bareUnit] ?? 1);
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (SECONDS[unit] ?? 0),
    0,
  );
}
